import { generic } from './generic.ts';
import type { HookConnector } from './hook-connector.ts';
import { hubspot } from './hubspot.ts';
import { shopify } from './shopify.ts';
import { twilio } from './twilio.ts';
import { woocommerce } from './woocommerce.ts';

/** Every web hook that the door understands, by the name in its address. */
export const hookConnectors: readonly HookConnector[] = [generic, hubspot, shopify, twilio, woocommerce];
