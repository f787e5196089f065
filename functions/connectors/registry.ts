import type { FileConnector } from '#connectors/file-connector';
import { googleAds } from '#connectors/google-ads';
import { linkedinAds } from '#connectors/linkedin-ads';
import { metaAds } from '#connectors/meta-ads';
import { microsoftAds } from '#connectors/microsoft-ads';
import { segmentFile } from '#connectors/segment-file';
import { tiktokAds } from '#connectors/tiktok-ads';

/** The file shapes that are known by their header. The first that recognises a file reads it. */
export const fileConnectors: readonly FileConnector[] = [
  googleAds,
  metaAds,
  linkedinAds,
  microsoftAds,
  tiktokAds,
  segmentFile,
];
