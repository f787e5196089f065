import { defineConfig } from 'percorso';

export default defineConfig({
  name: 'Touches',
  timeZone: 'UTC',
  currency: 'USD',
  language: 'en',
  country: 'US',
  sources: { ads: { kind: 'file', trust: 10 } },
});
