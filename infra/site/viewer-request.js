// Stands before every request of the dashboards, in CloudFront (cloudfront-js-2.0: no modules but its own). Whoever has no
// session goes to sign in; whoever has one gets the page of a folder. The key is filled in from Secrets Manager when the stack
// is deployed. functions/core/session.ts makes what is read here.
const crypto = require('crypto');

const key = '{{resolve:secretsmanager:SESSION_SECRET:SecretString:SESSION_KEY}}';

function isSignedIn(request, host) {
  const cookie = request.cookies['__Host-percorso'];
  if (cookie === undefined) return false;
  const at = cookie.value.lastIndexOf('.');
  if (at < 1) return false;
  const until = cookie.value.slice(0, at);
  const given = cookie.value.slice(at + 1);
  const right = crypto.createHmac('sha256', key).update(`${host} ${until}`).digest('base64url');
  if (given.length !== right.length) return false;
  let difference = 0;
  for (let i = 0; i < right.length; i++) difference |= given.charCodeAt(i) ^ right.charCodeAt(i);
  return difference === 0 && /^[0-9]{1,12}$/.test(until) && Number(until) > Date.now() / 1000;
}

// biome-ignore lint/correctness/noUnusedVariables: CloudFront calls it by this name
function handler(event) {
  const request = event.request;
  const host = request.headers.host.value;
  if (request.uri.startsWith('/auth/')) {
    // The Lambda sees its own host; this is the one that readers called. What they sent under that name is overwritten.
    request.headers['x-reader-host'] = { value: host };
    return request;
  }
  if (!isSignedIn(request, host)) {
    return {
      statusCode: 302,
      statusDescription: 'Found',
      headers: {
        location: { value: `/auth/sign-in?to=${encodeURIComponent(request.uri)}` },
        'cache-control': { value: 'no-store' },
      },
    };
  }
  if (request.uri.endsWith('/')) request.uri += 'index.html';
  else if (!request.uri.slice(request.uri.lastIndexOf('/')).includes('.')) request.uri += '/index.html';
  return request;
}
