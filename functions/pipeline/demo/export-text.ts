/** How the outside systems write their files. */

/** One line of a CSV file; cells are quoted where they must be. */
export function csvLine(cells: readonly (string | number | undefined)[], delimiter = ','): string {
  return cells
    .map((cell) => {
      const text = cell === undefined ? '' : String(cell);
      return text.includes(delimiter) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    })
    .join(delimiter);
}

/** Cents as `1234.50`. */
export function amount(cents: number): string {
  const sign = cents < 0 ? '-' : '';
  const whole = String(Math.abs(cents)).padStart(3, '0');
  return `${sign}${whole.slice(0, -2)}.${whole.slice(-2)}`;
}

/** Cents as `1.234,50`. */
export function italianAmount(cents: number): string {
  const [whole = '0', fraction = '00'] = amount(cents).split('.');
  return `${whole.replaceAll(/\B(?=(\d{3})+$)/g, '.')},${fraction}`;
}

/** A number as `1,234.5`. */
export function usNumber(value: number | string): string {
  const [whole = '0', fraction] = String(value).split('.');
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

const windows1252: Record<string, number> = { '€': 0x80, '–': 0x96, '’': 0x92 };

/** Text in Windows-1252, as older Italian software writes it. */
export function encodeWindows1252(text: string): Buffer {
  return Buffer.from(Array.from(text, (character) => windows1252[character] ?? character.charCodeAt(0)));
}
