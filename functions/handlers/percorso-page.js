// What `GET /percorso.js` serves, bundled by browser-sdk.ts: Segment's browser SDK, set to the door that the script came from.
import { AnalyticsBrowser } from '@segment/analytics-next';

// A tag manager may run the script as its own text, and may leave out attributes that it does not know; so the script is
// found by its address too, and the key may stand there.
const script = document.currentScript ?? document.querySelector('script[src*="/percorso.js"]');
const address = new URL(script?.src ?? '/percorso.js', location.href);
const writeKey = script?.dataset.writeKey ?? address.searchParams.get('key') ?? '';
const consentKey = 'percorso_consent';

function rememberedConsent() {
  try {
    return JSON.parse(localStorage.getItem(consentKey) ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}

const enabled = { __default: { enabled: true, integrations: {} } };
const host = {
  apiHost: `${address.host}${address.pathname.replace(/\/percorso\.js$/, '')}/v1`,
  protocol: address.protocol.slice(0, -1),
};

function start() {
  let consent = rememberedConsent();
  const analytics = AnalyticsBrowser.load(
    {
      writeKey,
      // The settings stand here, so that a page asks the door for nothing before its first event.
      cdnSettings: {
        integrations: { 'Segment.io': { apiKey: writeKey, ...host } },
        plan: { track: enabled, identify: enabled, group: enabled },
        metrics: { sampleRate: 0 },
        legacyVideoPluginsEnabled: false,
        remotePlugins: [],
      },
    },
    { integrations: { 'Segment.io': host } },
  );
  analytics.addSourceMiddleware(({ payload, next }) => {
    if (consent) payload.obj.context = { ...payload.obj.context, consent: { categoryPreferences: consent } };
    next(payload);
  });
  const percorso = {
    track: (event, properties) => analytics.track(event, properties),
    page: (name, properties) => analytics.page(name, properties),
    identify: (userId, traits) => analytics.identify(userId, traits),
    reset: () => analytics.reset(),
    /** `{ analytics: boolean, marketing: boolean }`: goes with every event from here on, also on the next page. */
    consent(given) {
      consent = { ...consent, ...given };
      try {
        localStorage.setItem(consentKey, JSON.stringify(consent));
      } catch {
        // A browser that keeps nothing holds it for this page.
      }
      return analytics.track('Consent Changed', consent);
    },
    /** Calls that a page makes before the script is there: `(percorso = window.percorso || []).push(['track', ...])`. */
    push(...calls) {
      for (const [name, ...args] of calls) percorso[name]?.(...args);
    },
  };
  const early = Array.isArray(window.percorso) ? window.percorso : [];
  window.percorso = percorso;
  if (script?.dataset.page !== 'off') percorso.page();
  percorso.push(...early);
}

if (writeKey === '') throw new Error('percorso.js: there is no data-write-key, so nothing is sent');
if (!window.percorso || Array.isArray(window.percorso)) start();
