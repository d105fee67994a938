// The risk map: the region's areas as tiles, the periods as a table, what was set on one area and when.
import { pickers } from './division';
import { fill, find, fromChina, get, language, make, moment, nowInChina, onSubmit, post, postFile, say, session, showProblem, t, value, type Both } from './lib';
import { staffPage } from './parts';
import { row, rowsOf, withReason } from './staff';

type Risk = {
  id: string; area: string; areaName: Both; level: string; from: string; until?: string; reason: string; setBy?: string; setAt: string;
};
type Area = { code: string; parent?: string; name: Both };
type Division = { code: string; name: string; englishName?: string; hasChildren: boolean };
type Report = { rows: number; set: number; unchanged: number; problems: { line: number; column?: string; message: Both; whatToDo: Both }[] };

const levels = ['high', 'medium', 'low'];

/** The digits that what lies in an area begins with: 330100 is all of 3301. */
const stem = (code: string): string => (code.length > 6 ? code : code.replace(/(00){1,2}$/, ''));
const inForce = (risk: Risk, at: number): boolean => Date.parse(risk.from) <= at && !(risk.until && Date.parse(risk.until) <= at);

/** What holds in an area at a moment: its worst level, and how many smaller areas in it have one of their own. */
class Levels {
  private readonly risks: { stem: string; level: string }[];

  constructor(risks: Risk[], at: number) {
    this.risks = risks.filter((risk) => inForce(risk, at)).map((risk) => ({ stem: stem(risk.area), level: risk.level }));
  }

  of(code: string): string {
    const held = this.risks.filter((risk) => code.startsWith(risk.stem)).map((risk) => risk.level);
    return levels.find((level) => held.includes(level)) ?? 'none';
  }

  inside(code: string): number {
    const outer = stem(code);
    return new Set(this.risks.filter((risk) => risk.stem.length > outer.length && risk.stem.startsWith(outer)).map((risk) => risk.stem)).size;
  }
}

class RiskMap {
  private readonly host = find('#map');
  private levels = new Levels([], 0);
  private all: { button: HTMLButtonElement; row: number; area: Area }[] = [];

  constructor(private readonly choose: (area: Area) => void) {
    this.host.addEventListener('keydown', (event) => this.move(event));
  }

  /** Draws the tiles once; the colours come with every answer. One group for each largest area, a row for each in it. */
  draw(region: Area, areas: Area[]): void {
    const childrenOf = (code: string): Area[] => areas.filter((area) => area.parent === code);
    let rows = 0;
    const tile = (area: Area, head: boolean): HTMLButtonElement => {
      const button = makeTile(area, head);
      this.all.push({ button, row: rows, area });
      button.addEventListener('click', () => this.pick(button, area));
      for (const event of ['focus', 'mouseenter']) button.addEventListener(event, () => (find('#map-said').textContent = button.title));
      return button;
    };
    const line = (area: Area, own: Area[]): HTMLElement => {
      rows++;
      const head = tile(area, true);
      rows++;
      return make('div', { class: 'map-row' }, head, make('div', { class: 'map-tiles' }, ...own.map((child) => tile(child, false))));
    };
    this.host.replaceChildren(...childrenOf(region.code).map((group) => {
      rows++;
      return make('div', { class: 'map-group', 'data-open': 'false' }, tile(group, true), ...childrenOf(group.code).map((area) => line(area, childrenOf(area.code))));
    }));
    this.all.forEach(({ button }, index) => (button.tabIndex = index === 0 ? 0 : -1));
  }

  show(shown: Levels): void {
    this.levels = shown;
    for (const { button, area } of this.all) colour(button, area, shown);
    for (const group of this.host.children) unfold(group as HTMLElement);
    this.host.dataset.state = 'shown';
  }

  get current(): Levels {
    return this.levels;
  }

  private pick(button: HTMLButtonElement, area: Area): void {
    for (const tile of this.all) tile.button.setAttribute('aria-pressed', String(tile.button === button));
    const group = button.closest<HTMLElement>('.map-group')!;
    if (group.firstElementChild === button) group.dataset.open = String(group.dataset.open !== 'true');
    unfold(group);
    this.focus(button);
    this.choose(area);
  }

  /** Those that are not folded away. */
  private get tiles(): typeof this.all {
    return this.all.filter(({ button }) => button.offsetParent !== null);
  }

  // One stop of the tab key for the whole map; the arrows go on from there.
  private move(event: KeyboardEvent): void {
    const tiles = this.tiles;
    const at = tiles.findIndex(({ button }) => button === document.activeElement);
    const here = tiles[at];
    if (!here) return;
    const rowOf = (row: number | undefined) => tiles.filter((tile) => tile.row === row);
    const inRow = (row: number | undefined): HTMLButtonElement | undefined => {
      const own = rowOf(row);
      return own[Math.min(rowOf(here.row).indexOf(here), own.length - 1)]?.button;
    };
    const below = tiles.find((tile) => tile.row > here.row)?.row;
    const above = tiles.filter((tile) => tile.row < here.row).pop()?.row;
    const next = ({
      ArrowRight: tiles[at + 1]?.button, ArrowLeft: tiles[at - 1]?.button, ArrowDown: inRow(below), ArrowUp: inRow(above),
      Home: tiles[0]?.button, End: tiles[tiles.length - 1]?.button,
    } as Record<string, HTMLButtonElement | undefined>)[event.key];
    if (!next) return;
    event.preventDefault();
    this.focus(next);
    next.focus();
  }

  private focus(button: HTMLButtonElement): void {
    for (const tile of this.all) tile.button.tabIndex = tile.button === button ? 0 : -1;
  }
}

/** A group where nothing is at risk shows its head alone until it is chosen: a calm city fits a phone. */
function unfold(group: HTMLElement): void {
  const head = group.firstElementChild as HTMLElement;
  const folded = head.dataset.level === 'none' && head.dataset.inside !== 'true' && group.dataset.open !== 'true';
  group.dataset.folded = String(folded);
  head.setAttribute('aria-expanded', String(!folded));
}

function makeTile(area: Area, head: boolean): HTMLButtonElement {
  return make('button', { type: 'button', class: head ? 'tile tile-head' : 'tile', 'data-area': area.code },
    make('span', { class: 'name' }, say(area.name)), make('span', { class: 'letter' }));
}

function colour(button: HTMLButtonElement, area: Area, shown: Levels): void {
  const [level, inside] = [shown.of(area.code), shown.inside(area.code)];
  button.dataset.level = level;
  button.dataset.inside = String(inside > 0);
  find('.letter', button).textContent = `${level === 'none' ? '' : t(`level.short.${level}`)}${inside > 0 ? `+${inside}` : ''}`;
  const words = `${say(area.name)}: ${t(`level.${level}`)}${inside > 0 ? `, ${t('map.inside', { count: inside })}` : ''}`;
  button.title = words;
  button.setAttribute('aria-label', words);
}

/** The letter stands beside the word wherever there is room for it. */
const levelText = (level: string): HTMLElement => make('span', { class: 'risk-level', 'data-level': level }, t(`level.${level}`));
const period = (risk: Risk): string => `${moment(risk.from)} – ${risk.until ? moment(risk.until) : t('map.open')}`;

/** What staff and public have in common: the map at a moment, and one area's history. Returns what loads it anew. */
async function riskMap(list: (risks: Risk[], at: number) => void): Promise<() => Promise<void>> {
  const field = find<HTMLInputElement>('#at');
  const known = document.querySelector<HTMLInputElement>('#known');
  const slider = find<HTMLInputElement>('#days');
  let chosen: Area | undefined;

  const showArea = async (area: Area): Promise<void> => {
    chosen = area;
    const history = await get<Risk[]>(`/v1/areas/${area.code}/history`);
    find('#area-panel').hidden = false;
    find('#area-name').textContent = `${say(area.name)} · ${area.code}`;
    find('#area-now').replaceChildren(levelText(map.current.of(area.code)));
    fill(find('#area-history'), history.map((change) => make('li', {},
      make('strong', {}, say(change.areaName)), make('br'), levelText(change.level), ` · ${period(change)} · ${change.reason}`, make('br'),
      make('span', { class: 'hint' }, `${t('map.setAt', { at: moment(change.setAt) })}${change.setBy ? ` · ${change.setBy}` : ''}`))), t('map.never'));
    find('#inside').replaceChildren(...(area.code.length >= 12 ? await insideOf(area) : []));
  };
  const choose = async (area: Area): Promise<void> => {
    await showArea(area);
    find('#area-panel').scrollIntoView({ block: 'nearest' });
  };

  // Compounds and buildings are no tiles of the map: there may be thousands, and they matter where one looks.
  const insideOf = async (area: Area): Promise<HTMLElement[]> => (await get<Division[]>(`/v1/divisions?parent=${area.code}`)).map((division) => {
    const inner = { code: division.code, name: { zh: division.name, en: division.englishName ?? division.name } };
    const button = makeTile(inner, false);
    colour(button, inner, map.current);
    button.addEventListener('click', () => void showArea(inner).then(() => find('#area-name').focus()).catch(showProblem));
    return button;
  });

  const map = new RiskMap((area) => void choose(area).catch(showProblem));

  const load = async (): Promise<void> => {
    const ask = new URLSearchParams();
    if (field.value) ask.set('at', fromChina(field.value)!);
    if (known?.value) ask.set('known', fromChina(known.value)!);
    const at = field.value ? Date.parse(fromChina(field.value)!) : Date.now();
    const risks = await get<Risk[]>(`/v1/areas/risks?${ask}`);
    map.show(new Levels(risks, at));
    list(risks, at);
    if (chosen) await showArea(chosen);
  };
  const reload = (): void => void load().catch(showProblem);

  let waiting: number | undefined;
  slider.addEventListener('input', () => {
    const day = Number(slider.value);
    field.value = day === 0 ? '' : nowInChina(day);
    slider.setAttribute('aria-valuetext', day === 0 ? t('map.now') : moment(fromChina(field.value)));
    clearTimeout(waiting);
    waiting = setTimeout(reload, 150);
  });
  field.addEventListener('change', reload);
  known?.addEventListener('change', reload);
  find('#map-now').addEventListener('click', () => {
    [field.value, slider.value] = ['', '0'];
    if (known) known.value = '';
    reload();
  });

  const region = await get<{ region: Area; areas: Area[] }>('/v1/areas');
  map.draw(region.region, region.areas);
  await load();
  return load;
}

const planned = (risk: Risk, at: number): (Node | string)[] => (Date.parse(risk.from) > at ? [' ', make('em', {}, t('map.planned'))] : []);

/** For everybody: no sign-in, no account names. */
export async function risks(): Promise<void> {
  void session();
  await riskMap((all, at) => fill(rowsOf('#risks'), all.map((risk) => row(
    make('span', {}, make('strong', {}, say(risk.areaName)), make('br'), risk.reason), make('span', {}, levelText(risk.level), ...planned(risk, at)), period(risk))), t('map.nothing')));
}

export const areas = (): Promise<void> => staffPage(['epidemiologist'], async () => {
  const division = pickers();
  const filter = find<HTMLSelectElement>('#level-filter');
  let [shown, shownAt]: [Risk[], number] = [[], 0];
  const list = (): void => fill(rowsOf('#risks'), shown.filter((risk) => !filter.value || risk.level === filter.value).map((risk) => row(
    say(risk.areaName), make('span', {}, levelText(risk.level), ...planned(risk, shownAt)), moment(risk.from), risk.until ? moment(risk.until) : '—', risk.reason, risk.setBy ?? '',
    withReason(t('areas.end'), async (reason) => {
      await post(`/v1/areas/risks/${risk.id}/end`, { reason });
      await load();
    }))), t('empty'));
  filter.addEventListener('change', list);
  const load = await riskMap((all, at) => {
    [shown, shownAt] = [all, at];
    list();
  });

  onSubmit('#set-risk', async (form, key) => {
    await post('/v1/areas/risks', {
      area: division.area?.code ?? '', level: value(form, 'level'), from: fromChina(value(form, 'from')), until: fromChina(value(form, 'until')),
      reason: value(form, 'reason'),
    }, key);
    find<HTMLInputElement>('#reason').value = '';
    await load();
  });
  onSubmit('#add-area', async (form) => {
    const added = await post<Division>('/v1/divisions', { parent: division.parent?.code ?? '', name: { zh: value(form, 'name.zh'), en: value(form, 'name.en') } });
    form.reset();
    find('#area-added').textContent = t('areas.added', { name: language === 'en' ? (added.englishName ?? added.name) : added.name, code: added.code });
    for (const picker of Object.values(division)) picker.reset();
    await load();
  });
  onSubmit('#import', async (form) => {
    const file = find<HTMLInputElement>('#file', form).files?.[0];
    const report = await postFile<Report>('/v1/areas/risks/import', file ?? new Blob(), 'text/csv');
    find('#import-report').textContent = t('areas.report', { rows: report.rows, set: report.set, unchanged: report.unchanged, bad: report.problems.length });
    find('#import-problems').hidden = report.problems.length === 0;
    fill(rowsOf('#import-problems'), report.problems.map((problem) => row(
      String(problem.line), problem.column ?? '', `${say(problem.message)}${language === 'en' ? '. ' : '。'}${say(problem.whatToDo)}`)), '');
    await load();
  });
});
