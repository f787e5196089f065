/** A cell as a spreadsheet should read it: text, even where it begins like a formula. */
function safe(value) {
	if (value === null || value === undefined) return '';
	if (typeof value === 'number') return String(value);
	const text = String(value);
	const harmless = /^[\s]*[=+\-@]|^[\t\r\n]/.test(text) ? `'${text}` : text;
	return /[",;\n\r']/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** Rows as CSV with a byte order mark, so that spreadsheets read the accents. Numbers stay numbers, with a decimal point. */
export function csvOf(columns, rows) {
	const lines = [columns.map((column) => safe(column.title)), ...rows.map((row) => columns.map((column) => safe(row[column.key])))];
	return `\uFEFF${lines.map((cells) => cells.join(',')).join('\r\n')}\r\n`;
}
