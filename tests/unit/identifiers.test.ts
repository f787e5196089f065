import { describe, expect, it } from 'vitest';
import { createIdentifiers, normaliseEmail, wellFormed } from '#core/identifiers';

const identifiers = createIdentifiers(Buffer.alloc(32, 7), 'IT');
const email = (text: string) => identifiers.hash('email', text);
const phone = (text: string) => identifiers.hash('phone', text);

describe('keyed hashes', () => {
  it('carry the letter of their kind and 24 hex digits', () => {
    expect(identifiers.hash('user_id', 'u1')).toMatch(/^u:[0-9a-f]{24}$/);
    expect(identifiers.hash('loyalty_card', 'u1')).toMatch(/^l:[0-9a-f]{24}$/);
  });

  it('are the same for the same text, others for another kind or another key', () => {
    expect(identifiers.hash('crm_id', '1')).toBe(createIdentifiers(Buffer.alloc(32, 7), 'US').hash('crm_id', '1'));
    expect(identifiers.hash('crm_id', '1').slice(2)).not.toBe(identifiers.hash('user_id', '1').slice(2));
    expect(identifiers.hash('crm_id', '1')).not.toBe(createIdentifiers(Buffer.alloc(32, 8), 'IT').hash('crm_id', '1'));
  });
});

describe('normal forms', () => {
  it.each([
    [' Mario.Rossi@Example.COM ', 'mario.rossi@example.com'],
    ['mailto:a@b.it', 'a@b.it'],
    ['no address', undefined],
    ['a@', undefined],
    ['', undefined],
  ])('reads the e-mail address %j as %j', (text, expected) => expect(normaliseEmail(text)).toBe(expected));

  it.each([
    ['333 123 4567', '+393331234567'],
    ['0039 333-1234567', '+393331234567'],
    ['+39 (333) 1234567', '+393331234567'],
    ['02 1234 5678', '+390212345678'],
    ['+44 20 7946 0958', '+442079460958'],
    ['n/a', undefined],
    ['12', undefined],
    ['9'.repeat(100), undefined],
  ])('reads the telephone number %j as %j', (text, expected) => expect(identifiers.phone(text)).toBe(expected));

  it('makes text of halves of characters and NULs readable, and leaves whole ones', () => {
    expect(wellFormed('a\ud800b\0c😀')).toBe('a\ufffdb\ufffdc😀');
  });
});

describe('what stands in the place of a name', () => {
  it('recognises addresses and international numbers, not ids of digits', () => {
    expect(identifiers.recognise('Mario@Example.com')).toEqual({ kind: 'email', value: 'mario@example.com' });
    expect(identifiers.recognise('+39 333 1234567')).toEqual({ kind: 'phone', value: '+393331234567' });
    expect(identifiers.recognise('00393331234567')).toEqual({ kind: 'phone', value: '+393331234567' });
    for (const name of ['3331234567', 'user-1', '0012', '@handle', 'a@b', 'f5445ea5-680b-4413']) {
      expect(identifiers.recognise(name)).toBeUndefined();
    }
  });
});

describe('scrubbing', () => {
  it('puts the same hash in a text, a URL and its coded forms as the identifier itself has', () => {
    const hash = email('mario@example.com');
    expect(identifiers.scrubText('From Mario@Example.com, today')).toBe(`From ${hash}, today`);
    expect(identifiers.scrubText('https://x.it/?e=mario%40example.com&b=1')).toBe(`https://x.it/?e=${hash}&b=1`);
    expect(identifiers.scrubText('https://x.it/?e=mario%2540example.com')).toBe(`https://x.it/?e=${hash}`);
    expect(identifiers.scrubText('/u/a%2Bb@c.it/x')).toBe(`/u/${email('a+b@c.it')}/x`);
  });

  it('takes telephone numbers out of texts and addresses', () => {
    const hash = phone('+393331234567');
    expect(identifiers.scrubText('call +39 333 1234567 now')).toContain(hash);
    expect(identifiers.scrubText('https://x.it/?phone=333%201234567&b=1')).toBe(`https://x.it/?phone=${hash}&b=1`);
    expect(identifiers.scrubText('https://x.it/?q=%2B393331234567')).toContain(hash);
    expect(identifiers.scrubText('order 3331234567 of 2026-01-05')).toBe('order 3331234567 of 2026-01-05');
  });

  it('reaches every depth, names of fields too, and leaves IP addresses out', () => {
    const scrubbed = identifiers.scrubValue({
      ip: '10.0.0.1',
      list: [{ 'a@b.it': 'x', nested: { mail: 'A@B.it' } }],
      phone: '333 1234567',
      billingPhone: 3331234567,
      mobile: true,
      tel: 'yes',
      hotel: '12345678',
    });
    expect(scrubbed).toEqual({
      list: [{ [email('a@b.it')]: 'x', nested: { mail: email('a@b.it') } }],
      phone: phone('+393331234567'),
      billingPhone: phone('+393331234567'),
      mobile: true,
      tel: 'yes',
      hotel: '12345678',
    });
  });

  it('takes time in proportion to a hostile text', () => {
    const started = performance.now();
    identifiers.scrubText(`${'a'.repeat(200_000)}@`);
    identifiers.scrubText(`+${'1 '.repeat(100_000)}`);
    identifiers.scrubText(`${'a@'.repeat(50_000)}`);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('does not follow a nesting without end', () => {
    let deep: unknown = 'a@b.it';
    for (let i = 0; i < 50_000; i += 1) deep = [deep];
    expect(JSON.stringify(identifiers.scrubValue(deep))).not.toContain('a@b.it');
  });
});
