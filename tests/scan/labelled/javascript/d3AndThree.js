import * as d3 from 'd3';

const runs = d3.create('svg').attr('title', 'Client Run Results');

export function update(data) {
  const bars = runs.selectAll('rect').data(data, (d) => d.id);
  bars.enter().append('rect').merge(bars).attr('height', (d) => d.tokens);
  bars.exit().remove();
}

export function create(element, data) {
  element.replaceChildren(runs.node());
  const simulation = d3.forceSimulation(data);
  simulation.on('tick', () => update(data));
  return simulation.restart();
}

export const createOrUpdate = (element, data) => (element.firstChild ? update(data) : create(element, data));
