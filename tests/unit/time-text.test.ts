import { DateTime } from 'luxon';
import { describe, expect, it } from 'vitest';
import { createDayReader, createLocalTime, createTimeReader } from '#core/time-text';

async function instant(text: string, format?: string, zone = 'Europe/Rome', locale?: string): Promise<string> {
  const read = (await createTimeReader(format, zone, locale))(text);
  return read.ok ? new Date(read.value).toISOString() : read.why;
}

describe('reading times', () => {
  it('reads a time without an offset in the time zone, summer and winter', async () => {
    expect(await instant('2026-01-05 10:00:00')).toBe('2026-01-05T09:00:00.000Z');
    expect(await instant('2026-07-05T10:00')).toBe('2026-07-05T08:00:00.000Z');
  });
  it('believes an offset that the text names', async () => {
    expect(await instant('2026-01-05T10:00:00+05:30')).toBe('2026-01-05T04:30:00.000Z');
    expect(await instant('2026-01-05T10:00:00.5Z')).toBe('2026-01-05T10:00:00.500Z');
  });
  it.each([
    ['05/01/2026 10:30', 'dd/MM/yyyy HH:mm', '2026-01-05T09:30:00.000Z'],
    ['19970101', 'yyyyMMdd', '1996-12-31T23:00:00.000Z'],
    ['5.1.26', 'd.M.yy', '2026-01-04T23:00:00.000Z'],
    ['1767603600', 'X', '2026-01-05T09:00:00.000Z'],
    ['Jan 5, 2026, 2:05 PM', 'LLL d, yyyy, h:mm a', '2026-01-05T13:05:00.000Z'],
    ['5 alle 10 del 1/2026', "d 'alle' HH 'del' M/yyyy", '2026-01-05T09:00:00.000Z'],
  ])('reads %s as %s', async (text, format, expected) => {
    expect(await instant(text, format)).toBe(expected);
  });
  it('reads names of months in the language of the file', async () => {
    expect(await instant('5 gennaio 2026', 'd LLLL yyyy', 'Europe/Rome', 'it')).toBe('2026-01-04T23:00:00.000Z');
  });
  it.each(['2026-02-30', '2026-13-01', '2026-01-05 25:00', '05/01/2026', 'soon', ''])('refuses %s', async (text) => {
    expect(await instant(text)).toBe('is not an ISO date or time');
  });
  it('takes the first of an hour that is there twice, and moves one that is not there forward', async () => {
    expect(await instant('2026-10-25 02:30:00')).toBe('2026-10-25T00:30:00.000Z');
    expect(await instant('2026-03-29 02:30:00')).toBe('2026-03-29T01:30:00.000Z');
  });
  it.each(['Europe/Rome', 'America/Sao_Paulo', 'Asia/Kolkata', 'Australia/Lord_Howe'])(
    'agrees with luxon over a year of %s, except in the hours when the clock moves',
    (zone) => {
      const local = createLocalTime(zone);
      let different = 0;
      for (let at = Date.UTC(2018, 0, 1); at < Date.UTC(2019, 0, 1); at += 3_600_000) {
        const d = new Date(at);
        const expected = DateTime.fromObject(
          { year: d.getUTCFullYear(), month: d.getUTCMonth() + 1, day: d.getUTCDate(), hour: d.getUTCHours() },
          { zone },
        ).toMillis();
        if (local(at) !== expected) different++;
      }
      expect(different).toBeLessThanOrEqual(2);
    },
  );
});

describe('reading days', () => {
  it('takes the day as it stands', async () => {
    expect((await createDayReader(undefined))('2021-09-15 5:00:00')).toEqual({ ok: true, value: '2021-09-15' });
    expect((await createDayReader('dd/MM/yyyy'))('31/12/2025')).toEqual({ ok: true, value: '2025-12-31' });
    expect((await createDayReader(undefined))('31/12/2025').ok).toBe(false);
  });
});
