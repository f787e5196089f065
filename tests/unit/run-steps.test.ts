import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Step } from '#pipeline/builds/plan';
import { runSteps, stepsBefore } from '#pipeline/builds/run-steps';

const table = (name: string, inputs: string[] = []): Step => ({ kind: 'model', table: name, inputs, sql: '' });
const view = (name: string, inputs: string[]): Step => ({ kind: 'model', table: name, inputs, sql: '', isView: true });
const solver = (name: string, inputs: string[]): Step => ({ kind: 'solver', table: name, inputs, source: '' });
const drop = (name: string): Step => ({ kind: 'drop', table: name });
const check = (name: string, inputs: string[]): Step => ({
  kind: 'check',
  check: name,
  model: inputs[0] ?? '',
  severity: 'error',
  inputs,
  sql: '',
});

/** Runs steps that take a random number of turns; tells when each began and ended, and the most that ran at one time. */
async function follow(
  steps: readonly Step[],
  atOnce: number,
  turns: (index: number) => number,
  large: readonly number[] = [],
) {
  const log: string[] = [];
  let running = 0;
  let most = 0;
  const run = async (step: Step) => {
    const index = steps.indexOf(step);
    most = Math.max(most, ++running);
    log.push(`begin ${index}`);
    for (let turn = 0; turn < turns(index); turn++) await Promise.resolve();
    log.push(`end ${index}`);
    running--;
  };
  await runSteps(steps, run, { atOnce, isLarge: (step) => large.includes(steps.indexOf(step)) });
  return { log, most };
}

describe('the steps of a plan', () => {
  test('need what makes their inputs, through views too, and a drop needs all readers before it', () => {
    const steps = [
      table('a'),
      view('seen', ['a']),
      table('b', ['seen']),
      check('sound', ['seen']),
      drop('a'),
      { kind: 'publish', table: 'seen' } as const,
    ];
    expect(stepsBefore(steps)).toEqual([[], [0], [0, 1], [0, 1], [0, 1, 2, 3], [0, 1]]);
  });

  test('solvers run one at a time', () => {
    expect(stepsBefore([solver('a', []), solver('b', []), table('c', ['a'])])).toEqual([[], [0], [0]]);
  });

  test('run each once, never before what they need has ended, and no more at once than may', async () => {
    const plans = fc
      .array(fc.record({ reads: fc.array(fc.nat(20), { maxLength: 4 }), drops: fc.boolean() }), { maxLength: 20 })
      .map((nodes) =>
        nodes.flatMap(({ reads, drops }, index): Step[] => {
          const inputs = reads.filter((other) => other < index).map((other) => `t${other}`);
          const made = index % 3 === 0 ? solver(`t${index}`, inputs) : table(`t${index}`, inputs);
          return drops && index > 0 ? [made, drop(`t${index - 1}`)] : [made];
        }),
      );
    await fc.assert(
      fc.asyncProperty(plans, fc.integer({ min: 1, max: 4 }), fc.array(fc.nat(5)), async (steps, atOnce, waits) => {
        const { log, most } = await follow(steps, atOnce, (index) => waits[index % Math.max(1, waits.length)] ?? 0);
        expect([...log].sort()).toEqual(steps.flatMap((_, index) => [`begin ${index}`, `end ${index}`]).sort());
        expect(most).toBeLessThanOrEqual(atOnce);
        for (const [index, before] of stepsBefore(steps).entries()) {
          for (const other of before) expect(log.indexOf(`end ${other}`)).toBeLessThan(log.indexOf(`begin ${index}`));
        }
        if (atOnce === 1) expect(log).toEqual(steps.flatMap((_, index) => [`begin ${index}`, `end ${index}`]));
      }),
    );
  });

  test('run beside a long one', async () => {
    const { log } = await follow([solver('long', []), table('b'), table('c', ['b'])], 2, (index) =>
      index === 0 ? 50 : 1,
    );
    expect(log.at(-1)).toBe('end 0');
  });

  test('of large ones only one at a time, with a small one beside it', async () => {
    const { log } = await follow([table('a'), table('b'), table('c')], 2, () => 5, [0, 1]);
    expect(log).toEqual(['begin 0', 'begin 2', 'end 0', 'end 2', 'begin 1', 'end 1']);
  });

  test('after a failure none begins, and the error waits for those under way', async () => {
    const ended: number[] = [];
    const steps = [table('a'), table('b'), table('c', ['b'])];
    const run = async (step: Step) => {
      if (step === steps[0]) throw new Error('a is broken');
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      ended.push(steps.indexOf(step));
    };
    const all = runSteps(steps, run, { atOnce: 2 });
    await expect(all).rejects.toThrow('a is broken');
    expect(ended).toEqual([1]);
  });
});
