// The options of the charts. Names reach ECharts as plain text; formatters below return plain text too.
const line = { axisLine: { lineStyle: { color: '#c4cbd6' } }, axisTick: { show: false }, splitLine: { lineStyle: { color: '#edf0f4' } } };
const label = { color: '#4a5565', fontSize: 12 };
export const shorten = (text, most = 22) => (String(text).length > most ? `${[...String(text)].slice(0, most - 1).join('')}…` : String(text));

/** Lines by month: `series` of `{ key, name, color }`. A month that is not over is the last point, drawn hollow. */
export function trendOptions(rows, series, format) {
	return {
		grid: { left: 8, right: 12, top: 36, bottom: 8, containLabel: true },
		legend: { top: 0, left: 0, itemWidth: 16, itemHeight: 3, icon: 'rect', textStyle: label },
		tooltip: { trigger: 'axis', valueFormatter: (value) => format.cents(value) },
		xAxis: { type: 'category', data: rows.map((row) => format.monthShort(row.month)), ...line, axisLabel: { ...label, hideOverlap: true } },
		yAxis: { type: 'value', ...line, axisLine: { show: false }, axisLabel: { ...label, formatter: (value) => format.short(value) }, splitNumber: 4 },
		series: series.map(({ key, name, color, dash }) => ({
			name, type: 'line', color, lineStyle: { width: 2.5, type: dash }, symbol: 'circle', symbolSize: 5, showSymbol: rows.length <= 14, connectNulls: false,
			data: rows.map((row) => (row.is_partial ? { value: row[key], symbol: 'emptyCircle', symbolSize: 8 } : row[key]))
		}))
	};
}

/** ROI per channel as a point with its 90 % interval, and the line at nought where a channel pays for itself. */
export function intervalOptions(rows, names, color, format, words) {
	const whisker = (params, api) => {
		const place = api.value(0);
		const [low, high] = [api.coord([api.value(1), place]), api.coord([api.value(2), place])];
		const row = rows[params.dataIndex];
		const style = { stroke: color(row.channel), lineWidth: 3, lineCap: 'round', ...(row.verdict === 'thin' ? { lineDash: [2, 6] } : {}) };
		const stroke = (x1, y1, x2, y2) => ({ type: 'line', shape: { x1, y1, x2, y2 }, style });
		return { type: 'group', children: [stroke(low[0], low[1], high[0], high[1]), stroke(low[0], low[1] - 6, low[0], low[1] + 6), stroke(high[0], high[1] - 6, high[0], high[1] + 6)] };
	};
	const percent = (value) => format.round(value);
	return {
		grid: { left: 20, right: 28, top: 8, bottom: 8, containLabel: true },
		tooltip: { trigger: 'item' },
		xAxis: { type: 'value', ...line, axisLabel: { ...label, formatter: percent, hideOverlap: true }, splitNumber: 4, min: (range) => Math.min(0, Math.floor(Math.min(range.min, ...rows.map((row) => row.roi_low ?? row.roi)) * 2) / 2), max: (range) => Math.max(0.5, Math.ceil(Math.max(range.max, ...rows.map((row) => row.roi_high ?? row.roi)) * 2) / 2) },
		yAxis: { type: 'category', inverse: true, data: rows.map((row) => names(row.channel)), ...line, axisLabel: { ...label, formatter: (text) => shorten(text), fontSize: 13, color: '#1a2433' } },
		series: [
			{
				name: words.interval, type: 'custom', renderItem: whisker, encode: { x: [1, 2], y: 0 }, z: 3, dimensions: [null, words.low, words.high],
				data: rows.map((row, place) => [place, row.roi_low ?? row.roi, row.roi_high ?? row.roi]), tooltip: { valueFormatter: percent },
				markLine: { silent: true, symbol: 'none', lineStyle: { color: '#1a2433', type: 'solid', width: 1 }, label: { show: false }, data: [{ xAxis: 0 }] }
			},
			{
				name: 'ROI', type: 'line', lineStyle: { opacity: 0 }, symbol: 'circle', symbolSize: 12, z: 5,
				data: rows.map((row) => ({ value: row.roi, name: names(row.channel), itemStyle: row.verdict === 'thin' ? { color: '#fff', borderColor: color(row.channel), borderWidth: 3 } : { color: color(row.channel), borderColor: '#fff', borderWidth: 2 } })).map((item, place) => ({ ...item, value: [item.value, place] })),
				tooltip: { valueFormatter: (value) => percent(Array.isArray(value) ? value[0] : value) }
			}
		]
	};
}

/** Spend beside the margin that it brought, channel by channel. */
export function pairOptions(rows, names, color, format, words, withSpend = true) {
	const bar = (name, key, style) => ({ name, type: 'bar', barMaxWidth: 14, data: rows.map((row) => ({ value: row[key], itemStyle: style(row) })) });
	return {
		grid: { left: 20, right: 24, top: 34, bottom: 8, containLabel: true },
		legend: { show: withSpend, top: 0, left: 0, itemWidth: 14, itemHeight: 10, textStyle: label, data: [{ name: words.spend, itemStyle: { color: '#c4cbd6' } }, { name: words.margin, itemStyle: { color: '#16324F' } }] },
		tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' }, valueFormatter: (value) => format.cents(value) },
		xAxis: { type: 'value', ...line, axisLabel: { ...label, formatter: (value) => format.short(value), hideOverlap: true }, splitNumber: 4 },
		yAxis: { type: 'category', inverse: true, data: rows.map((row) => names(row.channel)), ...line, axisLabel: { ...label, formatter: (text) => shorten(text), fontSize: 13, color: '#1a2433' } },
		series: [...(withSpend ? [bar(words.spend, 'spend', () => ({ color: '#c4cbd6' }))] : []), bar(words.margin, 'margin', (row) => ({ color: color(row.channel) }))]
	};
}

/** Lines over whole months since the first order, one a channel. */
export function valueOptions(series, months, format, words) {
	return {
		grid: { left: 8, right: 16, top: 44, bottom: 26, containLabel: true },
		legend: { type: 'scroll', top: 0, left: 0, itemWidth: 16, itemHeight: 3, icon: 'rect', textStyle: label, formatter: (text) => shorten(text, 18) },
		tooltip: { trigger: 'axis', valueFormatter: (value) => format.cents(value) },
		xAxis: { type: 'category', data: months, name: words.months, nameLocation: 'middle', nameGap: 26, nameTextStyle: label, ...line, axisLabel: label, axisPointer: { label: { formatter: ({ value }) => words.month(value) } } },
		yAxis: { type: 'value', ...line, axisLine: { show: false }, axisLabel: { ...label, formatter: (value) => format.short(value) }, splitNumber: 4 },
		series: series.map(({ name, color, values, strong }) => ({ name, type: 'line', color, data: values, symbol: 'none', lineStyle: { width: strong ? 3.5 : 2 }, z: strong ? 5 : 2 }))
	};
}

const stageColors = { awareness: '#0072B2', acquisition: '#D55E00', conversion: '#009E73', retention: '#882255' };
export const stageColor = (stage) => stageColors[stage] ?? '#5B6573';

/** The share that has gone on to the next stage by each day, with its 90 % band (Kaplan-Meier), as steps. */
export function survivalOptions(curves, format, words) {
	const band = (points) => (params, api) => {
		const [up, down] = [[], []];
		if (points.length === 0) return undefined;
		points.forEach((point, place) => {
			for (const day of [point.day, points[place + 1]?.day ?? point.day]) {
				up.push(api.coord([day, point.high]));
				down.unshift(api.coord([day, point.low]));
			}
		});
		return { type: 'polygon', shape: { points: [...up, ...down] }, style: { fill: stageColor(points[0].stage), opacity: 0.13 } };
	};
	return {
		grid: { left: 8, right: 20, top: 40, bottom: 26, containLabel: true },
		legend: { type: 'scroll', top: 0, left: 0, itemWidth: 16, itemHeight: 3, icon: 'rect', textStyle: label, data: curves.map(({ name }) => name) },
		tooltip: { trigger: 'axis', valueFormatter: (value) => format.share(Array.isArray(value) ? value[1] : value) },
		xAxis: { type: 'value', name: words.days, nameLocation: 'middle', nameGap: 26, nameTextStyle: label, ...line, axisLabel: { ...label, showMaxLabel: false }, axisPointer: { label: { formatter: ({ value }) => words.day(format.count(value)) } }, max: 'dataMax' },
		yAxis: { type: 'value', min: 0, max: (range) => Math.min(1, Math.ceil(range.max * 10) / 10), ...line, axisLine: { show: false }, axisLabel: { ...label, formatter: (value) => format.round(value) } },
		series: curves.flatMap(({ name, points }) => [
			{ name: `${name} 90 %`, type: 'custom', silent: true, z: 1, tooltip: { show: false }, data: [[points[0].day, points[0].high ?? 0]], renderItem: band(points.filter((point) => typeof point.low === 'number')), clip: true },
			{ name, type: 'line', step: 'end', symbol: 'none', color: stageColor(points[0].stage), lineStyle: { width: 2.5 }, data: points.map((point) => [point.day, point.share]) }
		])
	};
}

/** Bars over the buckets of a measure, in one colour. A bucket of too few persons has no bar, and says so in its place. */
export function bucketOptions(rows, format, words) {
	return {
		grid: { left: 8, right: 12, top: 12, bottom: 26, containLabel: true },
		tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' }, valueFormatter: (value, place) => (rows[place]?.is_hidden ? words.few : format.count(value)) },
		xAxis: { type: 'category', data: rows.map((row) => row.short ?? row.label), name: words.axis, nameLocation: 'middle', nameGap: 28, nameTextStyle: label, ...line, axisLabel: { ...label, interval: 0, hideOverlap: true } },
		yAxis: { type: 'value', ...line, axisLine: { show: false }, axisLabel: { ...label, formatter: (value) => format.count(value) }, splitNumber: 3 },
		series: [{ name: words.name, type: 'bar', barMaxWidth: 40, itemStyle: { color: words.color ?? '#0072B2', borderRadius: [3, 3, 0, 0] }, data: rows.map((row) => (row.is_hidden ? { value: 0, label: { show: true, position: 'top', formatter: '< 5', fontStyle: 'italic', color: '#4a5565' } } : row.value)) }]
	};
}

/** Lines of a share or a score by month. */
export function scoreOptions(months, series, format, write) {
	return {
		grid: { left: 8, right: 12, top: 36, bottom: 8, containLabel: true },
		legend: { type: 'scroll', top: 0, left: 0, itemWidth: 16, itemHeight: 3, icon: 'rect', textStyle: label, formatter: (text) => shorten(text, 24) },
		tooltip: { trigger: 'axis', valueFormatter: (value) => write(value) },
		xAxis: { type: 'category', data: months.map((month) => format.monthShort(month)), ...line, axisLabel: { ...label, hideOverlap: true } },
		yAxis: { type: 'value', ...line, axisLine: { show: false }, axisLabel: { ...label, formatter: (value) => write(value) }, splitNumber: 4 },
		series: series.map(({ name, color, values, dash }) => ({ name, type: 'line', color, data: values, symbol: 'circle', symbolSize: 5, connectNulls: false, lineStyle: { width: 2.5, type: dash } }))
	};
}

/** Bars of parts on each other, month by month. */
export function stackOptions(months, parts, format, write = format.count, short = write) {
	return {
		grid: { left: 8, right: 12, top: 36, bottom: 8, containLabel: true },
		legend: { type: 'scroll', top: 0, left: 0, itemWidth: 14, itemHeight: 10, textStyle: label },
		tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' }, valueFormatter: (value) => write(value) },
		xAxis: { type: 'category', data: months.map((month) => format.monthShort(month)), ...line, axisLabel: { ...label, hideOverlap: true } },
		// A part below nought that is too small to be seen opens no empty band below the axis.
		yAxis: { type: 'value', min: (range) => (range.min < 0 && -50 * range.min < range.max ? 0 : null), ...line, axisLine: { show: false }, axisLabel: { ...label, formatter: (value) => short(value) }, splitNumber: 4 },
		series: parts.map(({ name, color, values }) => ({ name, type: 'bar', stack: 'parts', barMaxWidth: 28, itemStyle: { color }, data: values }))
	};
}
