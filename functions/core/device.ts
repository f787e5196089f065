import bowser from 'bowser';
import { isbot } from 'isbot';
import { createRecentlyUsed } from '#core/recently-used';

export interface Device {
  /** desktop, mobile, tablet, tv, or other where the user agent does not say. */
  class: string;
  os: string | undefined;
  browser: string | undefined;
  isBot: boolean;
}

const classes = new Set(['desktop', 'mobile', 'tablet', 'tv']);

/** Makes the function from a user agent to what it says of the device; the same few thousand come again and again, so they are kept. */
export function createDeviceReader(): (userAgent: string) => Device {
  const known = createRecentlyUsed<Device>(10_000);
  return (userAgent) => {
    const seen = known.get(userAgent);
    if (seen !== undefined) return seen;
    const parsed = userAgent.trim() === '' ? undefined : bowser.parse(userAgent);
    const type = parsed?.platform.type ?? '';
    const device = {
      class: classes.has(type) ? type : 'other',
      os: parsed?.os.name,
      browser: parsed?.browser.name,
      isBot: isbot(userAgent),
    };
    known.set(userAgent, device);
    return device;
  };
}
