import { defineConfig } from 'percorso';

export default defineConfig({
  name: 'Facebook ads',
  timeZone: 'UTC',
  currency: 'USD',
  language: 'en',
  country: 'US',
  sources: { facebook: { kind: 'file', trust: 10 } },
});
