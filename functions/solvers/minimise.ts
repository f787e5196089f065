/** A function's value and its gradient at a point. */
export interface Slope {
  value: number;
  gradient: number[];
}

export interface Minimum {
  point: number[];
  value: number;
  /** Whether the gradient has vanished: without that it is where the search gave up. */
  hasConverged: boolean;
  steps: number;
}

/**
 * The least value of a smooth function of a few variables, by BFGS with a line search that holds the weak Wolfe
 * conditions by bisection (Nocedal & Wright 2006, chapters 3 and 6). A value that is not finite counts as infinite, so
 * that the search turns back from it.
 * @param flat a gradient no component of which exceeds this has vanished; a thousand times as much has, too, where the
 * value itself no longer falls by more than its last digits.
 */
export function minimise(
  slopeAt: (point: readonly number[]) => Slope,
  start: readonly number[],
  { flat = 1e-8, mostSteps = 500 } = {},
): Minimum {
  const size = start.length;
  let point = [...start];
  let slope = slopeAt(point);
  let inverse = identity(size);
  for (let step = 0; step < mostSteps; step++) {
    const steepest = Math.max(...slope.gradient.map(Math.abs));
    if (steepest <= flat) return { point, value: slope.value, hasConverged: true, steps: step };
    let direction = inverse.map((row) => -dot(row, slope.gradient));
    if (!(dot(direction, slope.gradient) < 0)) {
      inverse = identity(size);
      direction = slope.gradient.map((part) => -part);
    }
    const next = search(slopeAt, point, slope, direction);
    if (next === undefined || slope.value - next.slope.value <= 1e-15 * Math.abs(slope.value)) {
      return { point, value: slope.value, hasConverged: steepest <= 1000 * flat, steps: step };
    }
    inverse = updated(inverse, minus(next.point, point), minus(next.slope.gradient, slope.gradient));
    point = next.point;
    slope = next.slope;
  }
  return { point, value: slope.value, hasConverged: false, steps: mostSteps };
}

/** A point along the direction that lies low enough and where the slope has eased off. */
function search(
  slopeAt: (point: readonly number[]) => Slope,
  from: readonly number[],
  slope: Slope,
  direction: readonly number[],
): { point: number[]; slope: Slope } | undefined {
  const descent = dot(direction, slope.gradient);
  let low = 0;
  let high = Number.POSITIVE_INFINITY;
  let length = 1;
  let best: { point: number[]; slope: Slope } | undefined;
  for (let trial = 0; trial < 30; trial++) {
    const point = from.map((part, index) => part + length * (direction[index] ?? 0));
    const there = slopeAt(point);
    const isLow = Number.isFinite(there.value) && there.value <= slope.value + 1e-4 * length * descent;
    if (!isLow) high = length;
    else {
      best = { point, slope: there };
      if (dot(direction, there.gradient) >= 0.9 * descent) return best;
      low = length;
    }
    length = high === Number.POSITIVE_INFINITY ? 2 * low : (low + high) / 2;
  }
  return best;
}

/** The estimate of the inverse Hessian after a step; as it was where the step shows no curvature. */
function updated(inverse: number[][], step: readonly number[], change: readonly number[]): number[][] {
  const curvature = dot(step, change);
  if (!(curvature > 0)) return inverse;
  const bent = inverse.map((row) => dot(row, change));
  const stretch = 1 + dot(change, bent) / curvature;
  return inverse.map((row, i) =>
    row.map(
      (part, j) =>
        part +
        (stretch * (step[i] ?? 0) * (step[j] ?? 0) -
          (bent[i] ?? 0) * (step[j] ?? 0) -
          (step[i] ?? 0) * (bent[j] ?? 0)) /
          curvature,
    ),
  );
}

function identity(size: number): number[][] {
  return Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => (i === j ? 1 : 0)));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, part, index) => sum + part * (b[index] ?? 0), 0);
}

function minus(a: readonly number[], b: readonly number[]): number[] {
  return a.map((part, index) => part - (b[index] ?? 0));
}
