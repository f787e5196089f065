// One fixed colour a channel on every page. Okabe and Ito's colours, which stay apart in colour-blind vision, and darker sisters of them.
const fixed = {
	'Paid Search': '#0072B2', 'Organic Search': '#56B4E9', 'Paid Social': '#D55E00', 'Organic Social': '#E69F00', Email: '#009E73', Direct: '#5B6573',
	'Paid Video': '#CC79A7', 'Organic Video': '#E3A9C7', Display: '#882255', 'Comparison Site': '#44AA99', Referral: '#999933', Phone: '#117733', Store: '#661100',
	'Field Sales': '#AA4499', 'Word of Mouth': '#DDB321', 'Direct Mail': '#88684A', 'Paid Shopping': '#332288', 'Organic Shopping': '#7E6FCF', 'Cross-network': '#2B4C7E',
	Marketplace: '#B5651D', Affiliates: '#4C8C4A', Chat: '#1F9EAD', Event: '#B03060', 'TV/Radio/Print': '#8C564B', SMS: '#6A994E', 'Mobile Push': '#577590',
	Audio: '#9C6ADE', 'Paid Other': '#A0522D', Unassigned: '#8A8F98', '(unattributed)': '#B8BDC6', '(all)': '#16324F'
};
const spare = ['#0B7A75', '#7B2D26', '#3D5A80', '#C44536', '#6B8E23', '#8E44AD', '#B7791F', '#2F6690'];

export function colorOf(channel) {
	if (fixed[channel]) return fixed[channel];
	let sum = 0;
	for (const letter of String(channel)) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
	return spare[sum % spare.length];
}
