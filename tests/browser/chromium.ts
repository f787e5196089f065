import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** A real Chromium: the machine's own, or the one that npm brought. */
export async function launch(): Promise<Browser> {
  const installed = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
  const { default: bundled } = await import('@sparticuz/chromium');
  return chromium.launch({
    executablePath: installed ?? (await bundled.executablePath()),
    args: ['--no-sandbox', '--disable-quic', '--disable-background-networking'],
  });
}
