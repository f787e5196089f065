import { createZoneOffset } from '#core/zone-offset';

const halfHour = 1_800_000;

/**
 * Makes the function from an instant (milliseconds) to its reporting day, `YYYY-MM-DD` in a time zone. Offsets are kept
 * by the half hour, the finest step at which any zone changes, since asking Intl for each event is slow.
 */
export function createReportingDay(timeZone: string): (instant: number) => string {
  const offsetAt = createZoneOffset(timeZone);
  const offsets = new Map<number, number>();

  function offset(slot: number): number {
    const known = offsets.get(slot);
    if (known !== undefined) return known;
    const found = offsetAt(slot * halfHour);
    if (offsets.size > 100_000) offsets.clear();
    offsets.set(slot, found);
    return found;
  }

  return (instant) => new Date(instant + offset(Math.floor(instant / halfHour))).toISOString().slice(0, 10);
}
