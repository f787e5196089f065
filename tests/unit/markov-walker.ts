/** A way over channels, with how many journeys along it converted, how many did not, and the value of all conversions. */
export interface Path<Channel extends number | string = number | string> {
  channels: readonly Channel[];
  conversions: number;
  losses: number;
  value: number;
}

/**
 * The definition at its word: states are texts, and a walker's probabilities are carried forward step by step until nothing
 * is left on the way. Slow, and apart from the solver.
 */
export function walked(
  paths: readonly Path[],
  order: number,
  removed?: number | string,
): { reaches: number; value: number } {
  const rows = new Map<string, { to: Map<string, number>; total: number; converted: number; value: number }>();
  const row = (state: string) => {
    const found = rows.get(state) ?? { to: new Map<string, number>(), total: 0, converted: 0, value: 0 };
    rows.set(state, found);
    return found;
  };
  for (const { channels, conversions, losses, value } of paths) {
    const journeys = conversions + losses;
    let state = '(start)';
    for (let i = 0; i < channels.length; i++) {
      const next = channels.slice(Math.max(0, i + 1 - order), i + 1).join('>');
      row(state).total += journeys;
      row(state).to.set(next, (row(state).to.get(next) ?? 0) + journeys);
      state = next;
    }
    row(state).total += journeys;
    row(state).converted += conversions;
    row(state).value += value;
  }
  let here = new Map([['(start)', 1]]);
  let reaches = 0;
  let value = 0;
  for (let left = 1; left > 1e-18; ) {
    const next = new Map<string, number>();
    for (const [state, p] of here) {
      const { to, total, converted, value: worth } = row(state);
      if (total === 0) continue;
      reaches += (p * converted) / total;
      // the mean value per conversion, times the probability of one
      if (converted > 0) value += ((p * converted) / total) * (worth / converted);
      for (const [target, count] of to) {
        if (removed !== undefined && target.split('>').includes(String(removed))) continue;
        next.set(target, (next.get(target) ?? 0) + (p * count) / total);
      }
    }
    here = next;
    left = [...here.values()].reduce((sum, p) => sum + p, 0);
  }
  return { reaches, value };
}

/** RE(c) = 1 - P(without c) / P of each channel, of conversions and of value, by walking. */
export function effectsByWalking(
  paths: readonly Path[],
  order: number,
): Map<string, { conversions: number; value: number }> {
  const whole = walked(paths, order);
  const channels = [...new Set(paths.flatMap((way) => way.channels.map(String)))].sort();
  return new Map(
    channels.map((channel) => {
      const without = walked(paths, order, channel);
      return [channel, { conversions: 1 - without.reaches / whole.reaches, value: 1 - without.value / whole.value }];
    }),
  );
}
