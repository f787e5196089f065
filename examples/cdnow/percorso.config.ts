import { defineConfig } from 'percorso';

export default defineConfig({
  name: 'CDNOW',
  timeZone: 'America/New_York',
  currency: 'USD',
  language: 'en',
  country: 'US',
  // The orders are of 1997 and 1998; by default nothing before 2015 is taken.
  bounds: { earliest: '1995-01-01' },
  sources: { cdnow: { kind: 'file', trust: 10 } },
});
