import { horizonTable, type Step } from '#pipeline/builds/plan';

export interface StepLimits {
  /** How many may run at one time; 1 keeps to the order of the plan. */
  atOnce: number;
  /**
   * Whether a step, about to begin, takes the whole machine: of such only one runs at a time. Two that spill share the
   * memory, and at 10 million events both together took a fifth longer than one after the other.
   */
  isLarge?(step: Step): boolean;
}

/**
 * Runs the steps of a plan, several at once: each as soon as what it needs is there, the earlier ones first. A table is
 * dropped once no step before that still reads it. Where one fails, none is begun any more, and its error is thrown once those under way
 * have ended.
 */
export async function runSteps(
  steps: readonly Step[],
  run: (step: Step) => Promise<void>,
  { atOnce, isLarge = () => false }: StepLimits,
): Promise<void> {
  const needs = stepsBefore(steps);
  const waiting = new Set(steps.keys());
  const underWay = new Map<number, Promise<number>>();
  let large: number | undefined;
  const isReady = (index: number) =>
    needs[index]?.every((before) => !waiting.has(before) && !underWay.has(before)) ?? true;
  const begin = (index: number, step: Step) => {
    waiting.delete(index);
    underWay.set(
      index,
      run(step).then(() => index),
    );
  };
  try {
    while (waiting.size + underWay.size > 0) {
      for (const index of waiting) {
        if (underWay.size >= atOnce) break;
        const step = steps[index];
        if (step === undefined || !isReady(index)) continue;
        if (isLarge(step)) {
          if (large !== undefined) continue;
          large = index;
        }
        begin(index, step);
      }
      const ended = await Promise.race(underWay.values());
      underWay.delete(ended);
      if (large === ended) large = undefined;
    }
  } catch (error) {
    await Promise.allSettled(underWay.values());
    throw error;
  }
}

/** Of each step, the places of those before it that must have ended. */
export function stepsBefore(steps: readonly Step[]): number[][] {
  const makers = new Map<string, number>();
  const readers = new Map<string, number[]>();
  const viewed = new Map<string, readonly string[]>();
  /** Who reads a view reads what the view reads. */
  const allOf = (tables: readonly string[]): string[] =>
    tables.flatMap((table) => [table, ...allOf(viewed.get(table) ?? [])]);
  let solver: number | undefined;
  return steps.map((step, index) => {
    const before = new Set<number>();
    for (const table of new Set(allOf(readBy(step)))) {
      const maker = makers.get(table);
      if (maker !== undefined) before.add(maker);
      readers.set(table, [...(readers.get(table) ?? []), index]);
    }
    switch (step.kind) {
      case 'solver':
        // They share this process's one thread, and the names of what they make on the way.
        if (solver !== undefined) before.add(solver);
        solver = index;
        makers.set(step.table, index);
        break;
      case 'model':
        if (step.isView) viewed.set(step.table, step.inputs);
        makers.set(step.table, index);
        break;
      case 'rows':
      case 'raw':
      case 'earlier':
        makers.set(step.table, index);
        break;
      case 'drop':
        for (const other of [makers.get(step.table), ...(readers.get(step.table) ?? [])]) {
          if (other !== undefined) before.add(other);
        }
        break;
    }
    return [...before].sort((a, b) => a - b);
  });
}

/** The tables that a step reads. */
export function readBy(step: Step): readonly string[] {
  switch (step.kind) {
    case 'model':
    case 'solver':
    case 'check':
      return step.inputs;
    case 'keep':
    case 'publish':
      // Which rows are kept, the horizon tells.
      return [step.table, horizonTable];
    default:
      return [];
  }
}
