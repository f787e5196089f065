import { pick, type Stream } from '#pipeline/demo/random';

/** What somebody needs. A unit is quoted first; the rest is bought at once. */
export type Category = 'unit' | 'maintenance' | 'part';

export interface Product {
  sku: string;
  name: string;
  /** Net of VAT, in cents. */
  price: number;
  /** What it costs the firm, as a share of its price. */
  cost: number;
}

const units: readonly [Product, ...Product[]] = [
  { sku: 'PDC-06', name: 'Pompa di calore 6 kW', price: 389_000, cost: 0.76 },
  { sku: 'PDC-10', name: 'Pompa di calore 10 kW', price: 548_000, cost: 0.75 },
  { sku: 'CAL-24', name: 'Caldaia a condensazione 24 kW', price: 164_900, cost: 0.73 },
  { sku: 'CAL-28', name: 'Caldaia a condensazione 28 kW', price: 192_500, cost: 0.73 },
  { sku: 'CLI-12', name: 'Climatizzatore 12.000 BTU', price: 98_900, cost: 0.71 },
];
const services: readonly [Product, ...Product[]] = [
  { sku: 'MAN-BASE', name: 'Manutenzione annuale', price: 11_900, cost: 0.55 },
  { sku: 'MAN-PLUS', name: 'Manutenzione annuale con analisi fumi', price: 16_400, cost: 0.52 },
];
const spareParts: readonly [Product, ...Product[]] = [
  { sku: 'FIL-01', name: 'Filtro defangatore', price: 8_190, cost: 0.58 },
  { sku: 'VAL-03', name: 'Valvola termostatica', price: 3_420, cost: 0.56 },
  { sku: 'CIR-07', name: 'Circolatore', price: 14_750, cost: 0.63 },
  { sku: 'TER-02', name: 'Termostato intelligente', price: 13_110, cost: 0.6 },
  { sku: 'SCH-11', name: 'Scheda elettronica', price: 18_930, cost: 0.66 },
  { sku: 'KIT-05', name: 'Kit guarnizioni', price: 2_270, cost: 0.48 },
];
const shelves: Record<Category, readonly [Product, ...Product[]]> = {
  unit: units,
  maintenance: services,
  part: spareParts,
};

export interface OrderLine {
  product: Product;
  quantity: number;
}

/** What goes into one order. Trade buys several of a kind. */
export function basket(category: Category, isTrade: boolean, draw: Stream, day: number): OrderLine[] {
  const lines = [
    {
      product: pick(shelves[category], draw('product', day)),
      quantity: isTrade && category === 'part' ? 1 + Math.floor(draw('quantity', day) ** 2 * 5) : 1,
    },
  ];
  const extra = pick(spareParts, draw('extra product', day));
  if (category === 'part' && draw('extra', day) < (isTrade ? 0.4 : 0.18) && extra !== lines[0]?.product)
    lines.push({ product: extra, quantity: isTrade ? 1 + Math.floor(draw('extra quantity', day) * 2) : 1 });
  return lines;
}
