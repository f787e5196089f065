import writeXlsxFile from 'write-excel-file/universal';

/** Rows as a workbook. Text stays text, so nothing in it can run; what begins like a formula gets a ' all the same, as in the CSV. */
export async function sheetOf(title, columns, rows, harmless) {
	const cell = (value) => {
		if (value === null || value === undefined) return null;
		if (typeof value === 'number') return { type: Number, value };
		return { type: String, value: harmless(String(value)) };
	};
	const data = [
		columns.map((column) => ({ value: harmless(column.title), fontWeight: 'bold' })),
		...rows.map((row) => columns.map((column) => cell(column.raw ? column.raw(row) : row[column.key])))
	];
	return writeXlsxFile(data, { sheet: title.slice(0, 31) }).toBlob();
}
