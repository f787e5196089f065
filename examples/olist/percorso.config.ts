import { defineConfig } from 'percorso';

export default defineConfig({
  name: 'Olist',
  timeZone: 'America/Sao_Paulo',
  currency: 'BRL',
  language: 'en',
  country: 'BR',
  sources: { olist: { kind: 'file', trust: 10 } },
});
