const halfHour = 1_800_000;

/**
 * Makes the function from an instant (milliseconds) to its reporting day, `YYYY-MM-DD` in a time zone. Offsets are kept
 * by the half hour, the finest step at which any zone changes, since asking Intl for each event is slow.
 */
export function createReportingDay(timeZone: string): (instant: number) => string {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const offsets = new Map<number, number>();

  function offset(slot: number): number {
    const known = offsets.get(slot);
    if (known !== undefined) return known;
    const start = slot * halfHour;
    const part = Object.fromEntries(format.formatToParts(start).map(({ type, value }) => [type, Number(value)]));
    const local = Date.UTC(
      part.year ?? 1970,
      (part.month ?? 1) - 1,
      part.day ?? 1,
      part.hour ?? 0,
      part.minute ?? 0,
      part.second ?? 0,
    );
    if (offsets.size > 100_000) offsets.clear();
    offsets.set(slot, local - start);
    return local - start;
  }

  return (instant) => new Date(instant + offset(Math.floor(instant / halfHour))).toISOString().slice(0, 10);
}
