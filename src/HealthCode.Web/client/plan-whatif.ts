// What a trial found, as tables and bars.
import { language, make, moment, say, t, type Both } from './lib';

type Way = { from: string; to: string; people?: number };
export type Answer = {
  edition: string; against: string; at: string; people: number; changed: number; colours: Way[];
  areas: { area?: string; areaName: Both; colours: Way[] }[];
  decades: { decade?: number; colours: Way[] }[];
  rules: { rule: string; before: number; after: number; gained: number; lost: number }[];
  shapes: { from: string; to: string; before: string[]; after: string[]; people: number; example: { kind: string; source: string; daysAgo: number }[] }[];
  seconds: number;
};

const colours = ['green', 'yellow', 'red'];
const count = (people: number | undefined): string => (people === undefined ? t('plans.few') : new Intl.NumberFormat(language).format(people));
const worse = (way: { from: string; to: string }): boolean => colours.indexOf(way.to) > colours.indexOf(way.from);
const sign = (way: { from: string; to: string }): string => (way.from === way.to ? '=' : worse(way) ? '▲' : '▼');

function table(heads: string[], rows: (Node | string)[][], caption: string): HTMLElement {
  return make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption }, make('table', { class: 'figures' }, make('caption', {}, caption),
    make('thead', {}, make('tr', {}, ...heads.map((head) => make('th', { scope: 'col' }, head)))),
    make('tbody', {}, ...rows.map((cells) => make('tr', {}, ...cells.map((cell, index) =>
      index === 0 ? make('th', { scope: 'row' }, cell) : make('td', {}, cell)))))));
}

function flow(answer: Answer): HTMLElement {
  const cell = (from: string, to: string): HTMLElement => {
    const people = answer.colours.find((way) => way.from === from && way.to === to)?.people ?? 0;
    const kind = from === to ? 'same' : worse({ from, to }) ? 'worse' : 'better';
    return make('span', { class: `flow ${people > 0 ? kind : 'none'}`, 'data-way': `${from}-${to}` }, `${sign({ from, to })} ${count(people)}`);
  };
  return table(
    [t('plans.fromTo'), ...colours.map((to) => `→ ${t(`colour.${to}`)}`)],
    colours.map((from) => [t(`colour.${from}`), ...colours.map((to) => cell(from, to))]), t('plans.flow'));
}

/** A bar for what grows worse (striped) and one for what grows better, as long as the most changed county's. */
function bar(up: number, down: number, most: number): SVGElement {
  const draw = (name: string, attributes: Record<string, string>): SVGElement => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const scale = (people: number): string => String(Math.round((people / Math.max(1, most)) * 200));
  const svg = draw('svg', { viewBox: '0 0 200 22', class: 'bar-chart', 'aria-hidden': 'true', preserveAspectRatio: 'none' });
  svg.append(
    draw('rect', { x: '0', y: '1', height: '9', width: scale(up), class: 'worse' }),
    draw('rect', { x: '0', y: '12', height: '9', width: scale(down), class: 'better' }));
  return svg;
}

type Group = { name: string; colours: Way[] };

function groups(answer: Answer, what: string, caption: string, all: Group[], bySize: boolean): HTMLElement {
  const ways = answer.colours.filter((way) => way.from !== way.to && (way.people ?? 0) > 0);
  const rows = all.map((group) => {
    const shown = group.colours.filter((way) => way.from !== way.to);
    const sum = (which: boolean): number => shown.filter((way) => worse(way) === which).reduce((total, way) => total + (way.people ?? 0), 0);
    return { name: group.name, shown, up: sum(true), down: sum(false) };
  });
  if (bySize) rows.sort((a, b) => b.up + b.down - a.up - a.down);
  const most = Math.max(...rows.map((row) => Math.max(row.up, row.down)));
  const heads = [what, ...ways.map((way) => `${sign(way)} ${t(`colour.${way.from}`)} → ${t(`colour.${way.to}`)}`), t('plans.bars')];
  return table(heads, rows.map((row) => [
    row.name, ...ways.map((way) => count(row.shown.find((shown) => shown.from === way.from && shown.to === way.to)?.people)), bar(row.up, row.down, most),
  ]), caption);
}

function changesByGroup(answer: Answer): HTMLElement[] {
  if (!answer.colours.some((way) => way.from !== way.to && (way.people ?? 0) > 0)) return [make('p', { class: 'hint' }, t('plans.noChange'))];
  return [
    groups(answer, t('plans.county'), t('plans.byCounty'), answer.areas.map((area) => ({ name: say(area.areaName), colours: area.colours })), true),
    groups(answer, t('plans.born'), t('plans.byDecade'), answer.decades.map((decade) => ({
      name: decade.decade === undefined ? t('plans.notKnown') : `${decade.decade}–${decade.decade + 9}`, colours: decade.colours,
    })), false),
  ];
}

const numbers = (rules: string[]): string => (rules.length > 0 ? rules.join(' ') : t('plans.noRule'));

function shapes(answer: Answer): HTMLElement {
  return make('div', {}, make('h3', {}, t('plans.shapes')), make('p', { class: 'hint' }, t('plans.shapes.what')),
    ...answer.shapes.map((shape) => make('details', {},
      make('summary', {}, `${sign(shape)} ${t(`colour.${shape.from}`)} → ${t(`colour.${shape.to}`)} · ${numbers(shape.before)} → ${numbers(shape.after)} · ${t('plans.people', { people: count(shape.people) })}`),
      make('ul', {}, ...shape.example.map((entry) => make('li', {}, t('plans.daysAgo', { days: entry.daysAgo, kind: t(`kind.${entry.kind}`), source: t(`source.${entry.source}`) })))))));
}

export function showAnswer(place: HTMLElement, answer: Answer): void {
  place.hidden = false;
  place.replaceChildren(
    make('p', { class: 'total', 'data-changed': String(answer.changed), 'data-people': String(answer.people) },
      t('plans.total', { changed: count(answer.changed), people: count(answer.people) })),
    make('p', { class: 'hint' }, t('plans.asOf', { at: moment(answer.at), against: answer.against, seconds: answer.seconds.toFixed(1) })),
    flow(answer), ...changesByGroup(answer),
    table([t('plans.rule'), t('plans.before'), t('plans.after'), t('plans.gained'), t('plans.lost')],
      answer.rules.map((rule) => [rule.rule, count(rule.before), count(rule.after), `+${count(rule.gained)}`, `−${count(rule.lost)}`]), t('plans.byRule')),
    ...(answer.shapes.length > 0 ? [shapes(answer)] : []));
}
