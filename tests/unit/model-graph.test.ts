import { describe, expect, test } from 'vitest';
import { orderModels, selectModels } from '#core/model-graph';

const node = (name: string, ...inputs: string[]) => ({ name, inputs, file: `models/${name}.sql` });
const names = (nodes: { name: string }[]) => nodes.map((one) => one.name);

describe('the model graph', () => {
  test('puts each model after what it reads, whatever order they come in', () => {
    const nodes = [
      node('credit', 'touches', 'orders'),
      node('touches', 'events'),
      node('orders', 'events'),
      node('events', 'raw_events'),
    ];
    const given = new Set(['raw_events']);
    const ordered = names(orderModels(nodes, given));
    expect(ordered).toEqual(['events', 'orders', 'touches', 'credit']);
    expect(names(orderModels([...nodes].reverse(), given))).toEqual(ordered);
  });

  test('names all models of a circle', () => {
    expect(() => orderModels([node('a', 'b'), node('b', 'c'), node('c', 'a')], new Set())).toThrow(
      'a reads b reads c reads a',
    );
  });

  test('names an unknown table, who reads it, and the nearest known name', () => {
    const attempt = () => orderModels([node('orders', 'evnets'), node('events')], new Set());
    expect(attempt).toThrow('models/orders.sql reads the table evnets, which nothing makes');
    expect(attempt).toThrow(expect.objectContaining({ mend: 'did you mean events?' }));
  });

  test('refuses two tables of one name', () => {
    expect(() => orderModels([node('settings')], new Set(['settings']))).toThrow('two tables are called settings');
  });
});

describe('selecting models', () => {
  const nodes = [
    node('events'),
    node('touches', 'events'),
    node('orders', 'events'),
    node('credit', 'touches', 'orders'),
    node('roi', 'credit'),
  ];
  const select = (text: string) => {
    const { chosen, needed } = selectModels(nodes, text);
    return { chosen: [...chosen].sort(), needed: [...needed].sort() };
  };

  test('takes a model alone, and what it needs', () => {
    expect(select('touches')).toEqual({ chosen: ['touches'], needed: ['events', 'touches'] });
  });

  test('takes with MODEL+ all that is made of it, and what these need', () => {
    expect(select('touches+')).toEqual({
      chosen: ['credit', 'roi', 'touches'],
      needed: ['credit', 'events', 'orders', 'roi', 'touches'],
    });
  });

  test('takes with +MODEL all that it is made of', () => {
    expect(select('+orders').chosen).toEqual(['events', 'orders']);
  });

  test('takes several', () => {
    expect(select('events, orders').chosen).toEqual(['events', 'orders']);
  });

  test('refuses an unknown model with the nearest name', () => {
    expect(() => select('touchs+')).toThrow(expect.objectContaining({ mend: 'did you mean touches?' }));
  });
});
