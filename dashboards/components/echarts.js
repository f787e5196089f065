// Only the kinds of charts that the pages use. svelte.config.js puts this in the place of all of ECharts, which Evidence's own
// components, loaded with every page, would bring along: three times the weight.
import { BarChart, CustomChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from 'echarts/components';
import { use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([BarChart, CustomChart, LineChart, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, SVGRenderer]);
export * from 'echarts/core';
