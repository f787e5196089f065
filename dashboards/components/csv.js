/** Text as a spreadsheet should read it, even where it begins like a formula. */
export const harmless = (text) => (/^[\s]*[=+\-@]|^[\t\r\n]/.test(text) ? `'${text}` : text);

function safe(value) {
	if (value === null || value === undefined) return '';
	if (typeof value === 'number') return String(value);
	const text = harmless(String(value));
	return /[",;\n\r']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Rows as CSV with a byte order mark, so that spreadsheets read the accents. Numbers stay numbers, with a decimal point. */
export function csvOf(columns, rows) {
	const lines = [columns.map((column) => safe(column.title)), ...rows.map((row) => columns.map((column) => safe(column.raw ? column.raw(row) : row[column.key])))];
	return `\uFEFF${lines.map((cells) => cells.join(',')).join('\r\n')}\r\n`;
}
