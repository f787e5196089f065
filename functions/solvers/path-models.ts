import { removalEffects, type StepCounts } from '#solvers/markov';
import {
  type CoalitionCounts,
  type Coalitions,
  createCoalitionGraph,
  shapleyValues,
  worthPerJourney,
} from '#solvers/shapley';

/** What journeys of one conversion type are made of, over all of its months: the places that counts refer to. */
export interface TypeSpace {
  coalitions: Coalitions;
  /** Places of coalitions that converted in any month. */
  converting: readonly number[];
}

/** What was counted in the journeys that ended in the months of one fit. */
export interface FitCounts {
  /** Steps of the chain of each order. */
  steps: { 1: StepCounts; 2: StepCounts };
  coalitions: CoalitionCounts;
  /** Places of the coalitions whose conversions it spreads, or may be asked to: of those that converted in the months of the fit. */
  spread: readonly number[];
}

export interface ChannelFactor {
  channelNo: number;
  /** The channel's share of the textbook total of conversions. */
  factor: number;
  /** Its share of the textbook total of revenue. */
  revenueFactor: number;
  /** Markov: what is lost without the channel, of conversions and of revenue. */
  removalEffect?: number;
  revenueEffect?: number;
  /** Shapley: on which share of the conversions of its coalitions its value was negative, and counted as 0. */
  zeroedShare?: number;
}

export interface Fit {
  /** One for each channel; where `coalitions` is absent these spread the conversions too. */
  channels: ChannelFactor[];
  /** Factors that hold within one coalition, for each one of `spread`, in the order of its channels. */
  coalitions?: { place: number; channels: Int32Array; factors: Float64Array }[];
}

/** A data-driven model. Adding one is an entry of `pathModels`: what it is called, and how it is fitted. */
export interface PathModel {
  name: string;
  /** Done once a conversion type; the function that it gives is called once a month. */
  open(space: TypeSpace): (counts: FitCounts) => Fit;
}

export const pathModels: readonly PathModel[] = [
  { name: 'markov_1', open: () => (counts) => markov(counts.steps[1]) },
  { name: 'markov_2', open: () => (counts) => markov(counts.steps[2]) },
  { name: 'shapley', open: shapley },
];

function markov(steps: StepCounts): Fit {
  const effects = [...removalEffects(steps).channels];
  const total = effects.reduce((sum, [, effect]) => sum + effect.conversions, 0);
  const revenueTotal = effects.reduce((sum, [, effect]) => sum + effect.value, 0);
  return {
    channels: effects.map(([channelNo, effect]) => ({
      channelNo,
      factor: total > 0 ? effect.conversions / total : 0,
      revenueFactor: revenueTotal > 0 ? effect.value / revenueTotal : 0,
      removalEffect: effect.conversions,
      revenueEffect: effect.value,
    })),
  };
}

/** Values this much below 0, beside the coalition's own, are rounding. */
const rounding = 1e-12;

function shapley(space: TypeSpace): (counts: FitCounts) => Fit {
  const converting = new Set(space.converting);
  const graph = createCoalitionGraph(space.coalitions, space.converting, (place) => converting.has(place));
  return ({ coalitions, spread }) => {
    const worth = worthPerJourney(coalitions.conversions, coalitions.journeys);
    const revenueWorth = worthPerJourney(coalitions.revenue, coalitions.journeys);
    const totals = new Map<number, { conversions: number; revenue: number; met: number; zeroed: number }>();
    const factorsOf = new Map<number, Float64Array>();
    let all = 0;
    let allRevenue = 0;
    for (const place of space.converting) {
      const conversions = coalitions.conversions[place] ?? 0;
      if (conversions === 0) continue;
      const channels = graph.channels[place] ?? new Int32Array();
      const phi = shapleyValues(graph, place, worth);
      const floor = -rounding * (worth[place] ?? 0);
      const shares = positiveShares(phi);
      const revenue = coalitions.revenue[place] ?? 0;
      const revenueShares = revenue === 0 ? shares : positiveShares(shapleyValues(graph, place, revenueWorth));
      factorsOf.set(place, shares);
      all += conversions;
      allRevenue += revenue;
      for (const [i, channel] of channels.entries()) {
        const total = totals.get(channel) ?? { conversions: 0, revenue: 0, met: 0, zeroed: 0 };
        total.conversions += (shares[i] ?? 0) * conversions;
        total.revenue += (revenueShares[i] ?? 0) * revenue;
        total.met += conversions;
        if ((phi[i] ?? 0) < floor) total.zeroed += conversions;
        totals.set(channel, total);
      }
    }
    return {
      channels: [...totals].map(([channelNo, total]) => ({
        channelNo,
        factor: total.conversions / all,
        revenueFactor: allRevenue === 0 ? 0 : total.revenue / allRevenue,
        zeroedShare: total.zeroed / total.met,
      })),
      coalitions: spread.map((place) => ({
        place,
        channels: graph.channels[place] ?? new Int32Array(),
        factors: factorsOf.get(place) ?? new Float64Array(),
      })),
    };
  };
}

/** Negative values as 0, the others scaled to a sum of 1; all 0 where none is positive. */
function positiveShares(phi: Float64Array): Float64Array {
  let sum = 0;
  for (const value of phi) sum += Math.max(0, value);
  return phi.map((value) => (sum > 0 ? Math.max(0, value) / sum : 0));
}
