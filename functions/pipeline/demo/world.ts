import type { Facts } from '#pipeline/demo/facts';
import { live, mailingDays, type Word, type World } from '#pipeline/demo/life';
import { personOf } from '#pipeline/demo/market';

/** Lives everybody's life, one person after the other; only words that have not been heard yet are held. */
export function liveAll(world: World, facts: Facts, progress: (done: number) => void = () => {}): void {
  const mailings = mailingDays(world);
  const words = new Map<number, Word[]>();
  for (let number = 0; number < world.customers; number++) {
    const heard = words.get(number) ?? [];
    words.delete(number);
    live(personOf(number, world.seed, world.firstDay), world, mailings, facts, heard, (friend, word) => {
      const before = words.get(friend);
      if (before === undefined) words.set(friend, [word]);
      else before.push(word);
    });
    if (number % 500 === 499) progress(number + 1);
  }
}
