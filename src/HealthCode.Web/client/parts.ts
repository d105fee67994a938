// Pieces that several pages show alike.
import { find, make, moment, onSubmit, post, say, session, t, type Both, type Session } from './lib';

export type Reason = {
  rule: string; colour: string; title: Both; explanation: Both; owner: Both; source: string; evidence: Both;
  since: string; until?: string; earliestEnd?: string; end: Both; endings: Both[]; whatToDo: Both;
};
export type Evidence = { id: string; kind: string; happened: string; received: string; title: Both; detail?: Both; source: Both; enteredBy?: string; withdrawn: boolean; correctable: boolean };

/** A stay that its source is not sure of. */
export type Question = {
  evidence: string; area: Both; from: string; until?: string; source: Both; confidence: number; rule: string; ruleTitle: Both; ruleColour: string; askedUntil: string;
};

/** Asks, says what either answer does and that none is owed, and hands the answer on. */
export function questionCard(question: Question, answer: (wasThere: boolean) => void): HTMLElement {
  const days = question.until === undefined ? t('question.since', { from: question.from })
    : question.until === question.from ? question.from : t('question.days', { from: question.from, until: question.until });
  const button = (text: string, wasThere: boolean): HTMLElement => {
    const made = make('button', { type: 'button', class: 'weui-btn weui-btn_default', 'data-answer': String(wasThere) }, t(text));
    made.addEventListener('click', () => answer(wasThere));
    return made;
  };
  return make('article', { class: 'card question', 'data-question': question.evidence },
    make('h2', {}, t('question.heading', { area: say(question.area) })),
    make('p', {}, t('question.report', { source: say(question.source), days, confidence: question.confidence })),
    make('p', {}, t('question.then', { rule: question.rule, title: say(question.ruleTitle), colour: t(`colour.${question.ruleColour}`) })),
    make('div', { class: 'answers' }, button('question.yes', true), button('question.no', false)),
    make('p', { class: 'hint' }, t('question.silence', { until: moment(question.askedUntil) })));
}

const shapes: Record<string, string> = {
  green: 'M20 3a17 17 0 1 0 0 34a17 17 0 1 0 0-34zm-3 25l-8-8 3-3 5 5 11-11 3 3z',
  yellow: 'M20 3L38 36H2zM18 14v11h4V14zm0 14v4h4v-4z',
  red: 'M13 3h14l10 10v14L27 37H13L3 27V13zM10 17v6h20v-6z',
};

/** Circle with a tick, triangle, octagon: the sign beside the colour. */
export function shape(colour: string): SVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 40 40');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', shapes[colour] ?? '');
  path.setAttribute('fill-rule', 'evenodd');
  svg.append(path);
  return svg;
}

export function reasonCard(reason: Reason): HTMLElement {
  const row = (label: string, ...content: (Node | string)[]): HTMLElement => make('div', {}, make('dt', {}, t(label)), make('dd', {}, ...content));
  return make('article', { class: `card reason ${reason.colour}`, 'data-rule': reason.rule },
    make('h3', {}, `${reason.rule} · ${say(reason.title)}`),
    make('p', {}, say(reason.explanation)),
    make('dl', {},
      row('reason.evidence', say(reason.evidence)),
      row('reason.toDo', say(reason.whatToDo)),
      row('reason.end', say(reason.end)),
      ...(reason.endings.length > 0 ? [row('reason.endings', ...reason.endings.map((ending) => make('p', { class: 'ending' }, say(ending))))] : []),
      ...(reason.earliestEnd ? [row('reason.earliest', moment(reason.earliestEnd))] : []),
      row('reason.since', moment(reason.since)),
      row('reason.until', reason.until ? moment(reason.until) : t('reason.untilEvent')),
      row('reason.owner', say(reason.owner))),
    make('p', { class: 'hint' }, make('a', { href: reason.source, rel: 'noreferrer noopener' }, t('reason.source'))));
}

export function evidenceText(evidence: Evidence): (Node | string)[] {
  return [
    make('time', { datetime: evidence.happened }, moment(evidence.happened)), ' ',
    make('strong', {}, say(evidence.title)), ' ', say(evidence.detail),
    make('span', { class: 'hint' }, ` ${t('from.source')} ${say(evidence.source)}${evidence.enteredBy ? ` · ${evidence.enteredBy}` : ''}`),
    ...(evidence.withdrawn ? [make('em', { class: 'withdrawn' }, ` ${t('withdrawn')}`)] : []),
  ];
}

/** Shows the sign-in of staff, or what the page is for once somebody with one of the roles is signed in. */
export async function staffPage(roles: string[], work: (state: Session) => Promise<void>): Promise<void> {
  const state = await session();
  const may = state.signedIn && (roles.length === 0 ? state.roles.some((role) => role !== 'resident') : state.roles.some((role) => roles.includes(role)));
  for (const link of document.querySelectorAll<HTMLAnchorElement>('[data-role]')) {
    link.hidden = !(link.dataset.role ?? '').split(' ').some((role) => state.roles.includes(role));
    if (link.pathname === location.pathname) link.setAttribute('aria-current', 'page');
  }
  find('#staff-sign-in').hidden = may;
  document.body.dataset.signedIn = may ? 'yes' : 'no';
  onSubmit('#staff-sign-in', async (form) => {
    await post('/v1/staff/sign-in', {
      userName: find<HTMLInputElement>('#userName', form).value.trim(), password: find<HTMLInputElement>('#password', form).value,
    });
    location.reload();
  });
  if (!may) return;
  for (const section of document.querySelectorAll<HTMLElement>('[data-work]')) section.hidden = false;
  await work(state);
}
