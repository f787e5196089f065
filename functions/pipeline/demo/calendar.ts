/**
 * Days are counted from 1970-01-01. The simulated company lives in Europe/Rome; nobody acts between midnight and six,
 * so a day has one offset from UTC and no local time is ambiguous.
 */
const msPerDay = 86_400_000;

export function dayNumber(isoDay: string): number {
  return Math.floor(Date.parse(`${isoDay}T00:00:00Z`) / msPerDay);
}

export function isoDay(day: number): string {
  return new Date(day * msPerDay).toISOString().slice(0, 10);
}

/** `YYYY-MM` */
export function monthOf(day: number): string {
  return isoDay(day).slice(0, 7);
}

/** 1 to 12 */
export function monthNumber(day: number): number {
  return new Date(day * msPerDay).getUTCMonth() + 1;
}

/** 0 is Sunday. */
export function weekday(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}

export function week(day: number): number {
  return Math.floor((day + 3) / 7);
}

function lastSunday(year: number, month: number): number {
  const last = Math.floor(Date.UTC(year, month, 0) / msPerDay);
  return last - weekday(last);
}

/** Hours that Rome is ahead of UTC on that day, after the small hours. */
export function romeOffset(day: number): 1 | 2 {
  const year = new Date(day * msPerDay).getUTCFullYear();
  return day >= lastSunday(year, 3) && day < lastSunday(year, 10) ? 2 : 1;
}

/** The instant (ms) of a second of the local day. */
export function instantOf(day: number, second: number): number {
  return day * msPerDay + second * 1000 - romeOffset(day) * 3_600_000;
}

export function isoInstant(day: number, second: number): string {
  return new Date(instantOf(day, second)).toISOString();
}

function clock(second: number): string {
  return new Date(Math.min(second, 86_399) * 1000).toISOString().slice(11, 19);
}

/** `2026-01-05 10:00:00`, local. */
export function localIso(day: number, second: number): string {
  return `${isoDay(day)} ${clock(second)}`;
}

/** `05/01/2026` */
export function italianDay(day: number): string {
  const [year, month, date] = isoDay(day).split('-');
  return `${date}/${month}/${year}`;
}

/** `05/01/2026 10:00` */
export function italianTime(day: number, second: number): string {
  return `${italianDay(day)} ${clock(second).slice(0, 5)}`;
}

/** The months from one day to another, with the first and last day of each that fall between them. */
export function monthsBetween(first: number, last: number): { month: string; from: number; to: number }[] {
  const months: { month: string; from: number; to: number }[] = [];
  for (let day = first; day <= last; day++) {
    const month = monthOf(day);
    const current = months.at(-1);
    if (current?.month === month) current.to = day;
    else months.push({ month, from: day, to: day });
  }
  return months;
}
