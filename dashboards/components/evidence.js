// What compiled pages ask of Evidence's own components and of its builder of queries, which bring along ECharts with all kinds of
// charts, tooltips that run what stands in a name, and DuckDB: svelte.config.js puts this in their place. No page uses more.
/** Shows a page's SQL on the page; none does. */
export { default as QueryViewer } from './Nothing.svelte';
/** Hands the function that queries to Evidence's own inputs; there are none. */
export const setQueryFunction = () => {};
