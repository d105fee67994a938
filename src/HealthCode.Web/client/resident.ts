// The resident's pages.
import qrcode from 'qrcode-generator';
import { RegionClock } from './clock';
import { pickers } from './division';
import {
  checked, clearProblem, decimal, fill, find, get, go, make, moment, Offline, onSubmit, post, prefix, Refused, say, session, showProblem, t, today, value, type Both,
} from './lib';
import { evidenceText, questionCard, reasonCard, shape, type Evidence, type Question, type Reason } from './parts';

type Code = {
  colour: string; maskedName: string; code: string; issuedAt: string; expiresAt: string; now: string; reportedToday: boolean; asOf?: string;
  edition: { id: string; title: Both; source: string }; reasons: Reason[]; questions: Question[]; proof: Proof;
};
type Proof = {
  test?: { result: string; sampled: string; institution: string }; vaccination?: { doses: number; last: string }; pass?: { until: string; purpose: string };
};

export function signIn(): void {
  void session();
  const ask = find<HTMLFormElement>('#ask-code');
  const enter = find<HTMLFormElement>('#sign-in');
  onSubmit('#ask-code', async () => {
    const sent = await post<{ expiresAt: string; shownMessage?: string }>('/v1/sign-in/codes', { phone: value(ask, 'phone') });
    const message = find('#shown-message');
    message.textContent = sent.shownMessage ?? t('signIn.sent');
    message.hidden = false;
    enter.hidden = false;
    find('#code').focus();
  });
  onSubmit('#sign-in', async () => {
    const state = await post<{ hasApplied: boolean }>('/v1/sign-in', { phone: value(ask, 'phone'), code: value(enter, 'code') });
    go(state.hasApplied ? 'code' : 'apply');
  });
}

async function resident(): Promise<boolean> {
  const state = await session();
  if (state.roles.includes('resident')) {
    if (state.hasApplied || document.body.dataset.page === 'apply') return true;
    go('apply');
  } else go('sign-in');
  return false;
}

export async function apply(): Promise<void> {
  if (!(await resident())) return;
  find('#apply-phone').textContent = find('#who').textContent ?? '';
  const division = pickers();
  const came = find<HTMLInputElement>('#came');
  came.addEventListener('change', () => (find('#came-from').hidden = !came.checked));
  for (const input of document.querySelectorAll<HTMLInputElement>('input[type=date]')) input.max = today();

  onSubmit('#apply', async (form, key) => {
    try {
      await post('/v1/applications', {
        name: value(form, 'name'), documentType: value(form, 'documentType'), documentNumber: value(form, 'documentNumber'),
        householdDivision: division.householdDivision?.code || undefined,
        cameFrom: came.checked ? { area: division['cameFrom.area']?.code ?? '', until: value(form, 'cameFrom.until') || '2020-01-01' } : undefined,
        stayingAt: {
          area: division['stayingAt.area']?.code ?? '', since: value(form, 'stayingAt.since') || '2020-01-01',
          address: value(form, 'stayingAt.address') || undefined,
        },
        symptoms: checked(form, 'symptoms'), contact: checked(form, 'contact')[0] ?? '',
        consentEdition: find<HTMLInputElement>('#consent').checked ? '2026-11' : '',
      }, key);
      go('code');
    } catch (error) {
      if (error instanceof Refused && error.refusal === 'identity-not-confirmed') find('#phone-change').hidden = false;
      throw error;
    }
  });
  const changeKey = crypto.randomUUID();
  find('#ask-phone-change').addEventListener('click', async () => {
    const form = find('#apply');
    try {
      await post('/v1/phone-changes', {
        name: value(form, 'name'), documentType: value(form, 'documentType'), documentNumber: value(form, 'documentNumber'),
      }, changeKey);
      find('#phone-change-asked').textContent = t('phoneChange.done');
    } catch (error) {
      showProblem(error);
    }
  });
}

const RenewBeforeMs = 30_000;
const TryAgainMs = 5_000;
const AnswerWithinMs = 10_000;

export async function code(): Promise<void> {
  if (!(await resident())) return;
  const page = find('#code');
  const clock = new RegionClock();
  let current: Code | undefined;
  let renewing = false;
  let tried = 0;

  const renew = async (): Promise<void> => {
    if (renewing) return;
    renewing = true;
    const asked = RegionClock.count();
    tried = asked.steady;
    try {
      current = await get<Code>('/v1/me/code', AbortSignal.timeout(AnswerWithinMs));
      clock.set(current.now, asked);
      clearProblem();
      show(page, current);
      find('#questions').replaceChildren(...current.questions.map((question) => questionCard(question, (wasThere) => void answer(question, wasThere))));
    } catch (error) {
      if (error instanceof Refused && error.problem.status === 401) go('sign-in');
      else if (!(error instanceof Offline)) showProblem(error);
      else if (!current) lapse(page);
    } finally {
      renewing = false;
    }
  };

  // A try after a failure carries the same key, so that it is answered once.
  const visit = crypto.randomUUID();
  const answer = async (question: Question, wasThere: boolean): Promise<void> => {
    clearProblem();
    try {
      await post(`/v1/me/questions/${question.evidence}`, { wasThere }, `${visit}-${question.evidence}-${wasThere}`);
      await renew();
    } catch (error) {
      showProblem(error);
    }
  };

  const tick = (): void => {
    const shown = clock.shown();
    find('#clock').textContent = shown === undefined ? '' : clockFormat.format(shown);
    const left = current ? Date.parse(current.expiresAt) - clock.now()! : 0;
    if (current && left <= 0) lapse(page, current);
    // While the server is away it is asked again and again; the code at hand goes on until it ends.
    if (left < RenewBeforeMs && performance.now() - tried >= TryAgainMs) void renew();
  };
  // Whoever looks again sees what is true now: first that the code has ended, if it has, and then a new one.
  const look = (): void => {
    tick();
    void renew();
  };
  await renew();
  setInterval(tick, 1000);
  tick();
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && look());
  window.addEventListener('pageshow', (event) => event.persisted && look());
  window.addEventListener('online', look);
}

const clockFormat = new Intl.DateTimeFormat(document.documentElement.lang, {
  timeZone: 'Asia/Shanghai', dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23',
});

function show(page: HTMLElement, state: Code): void {
  page.dataset.state = 'live';
  page.dataset.colour = state.colour;
  page.dataset.code = state.code;
  find('#shape').replaceChildren(shape(state.colour));
  find('#colour').textContent = t(`colour.${state.colour}`);
  find('#masked-name').textContent = state.maskedName;
  find('#offline').hidden = true;
  const asOf = find('#as-of');
  asOf.textContent = state.asOf === undefined ? '' : t('asOf', { at: moment(state.asOf) });
  asOf.hidden = state.asOf === undefined;
  find('#valid').textContent = t('code.valid', { until: moment(state.expiresAt) });
  draw(find<HTMLCanvasElement>('#qr'), state.code);
  const reported = find('#reported');
  reported.textContent = t(state.reportedToday ? 'code.reported' : 'code.notReported');
  reported.dataset.reported = String(state.reportedToday);
  showProof(state);
  find('#reasons').replaceChildren(...(state.reasons.length > 0 ? state.reasons.map(reasonCard) : [make('p', { class: 'card' }, t('code.noReason'))]));
  find('#edition').textContent = t('code.edition', { edition: say(state.edition.title) });
}

/** A code that ended looks like nothing that a guard would let pass. */
function lapse(page: HTMLElement, state?: Code): void {
  page.dataset.state = 'lapsed';
  page.dataset.code = '';
  find('#shape').replaceChildren();
  find('#colour').textContent = t('code.lapsed');
  const canvas = find<HTMLCanvasElement>('#qr');
  canvas.getContext('2d')?.clearRect(0, 0, canvas.width, canvas.height);
  const offline = find('#offline');
  offline.textContent = state ? t('code.offline', { at: moment(state.issuedAt) }) : `${t('problem.offline')} ${t('problem.offline.toDo')}`;
  offline.hidden = false;
  find('#valid').textContent = '';
  find('#proof').hidden = true;
  find('#as-of').hidden = true;
}

/** Last test, doses, running pass: quiet, and only what there is. */
function showProof(state: Code): void {
  const { test, vaccination, pass } = state.proof;
  const items = [
    ...(pass ? [t('proof.pass', { until: moment(pass.until), purpose: pass.purpose })] : []),
    ...(test ? [t('proof.test', { result: t(`result.${test.result}`), age: testAge(test.sampled, state.now), sampled: moment(test.sampled) })] : []),
    ...(vaccination ? [t('proof.vaccination', { doses: vaccination.doses, last: moment(vaccination.last) })] : []),
  ];
  const strip = find('#proof');
  strip.replaceChildren(...items.map((item) => make('li', {}, item)));
  strip.hidden = items.length === 0;
}

/** Counted from the sampling, as most places do: within 24, 48 or 72 hours, then whole days. */
function testAge(sampled: string, now: string): string {
  const days = Math.floor((Date.parse(now) - Date.parse(sampled)) / 86_400_000);
  return days < 3 ? t('proof.within', { hours: 24 * (Math.max(days, 0) + 1) }) : t('proof.days', { days });
}

/** Dark modules on white with a quiet zone of four, whatever the colour: yellow on white is not read (1.5 : 1). */
function draw(canvas: HTMLCanvasElement, text: string): void {
  const qr = qrcode(0, 'M');
  qr.addData(text, 'Alphanumeric');
  qr.make();
  const modules = qr.getModuleCount();
  const size = Math.max(4, Math.floor(360 / (modules + 8)));
  canvas.width = canvas.height = (modules + 8) * size;
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = '#000';
  for (let row = 0; row < modules; row++)
    for (let column = 0; column < modules; column++)
      if (qr.isDark(row, column)) context.fillRect((column + 4) * size, (row + 4) * size, size, size);
}

export async function report(): Promise<void> {
  if (!(await resident())) return;
  onSubmit('#report', async (form, key) => {
    await post('/v1/me/reports', {
      symptoms: checked(form, 'symptoms'), temperature: decimal(value(form, 'temperature')), contact: checked(form, 'contact')[0] ?? '',
    }, key);
    go('code');
  });
}

export async function stay(): Promise<void> {
  if (!(await resident())) return;
  const division = pickers();
  onSubmit('#stay', async (form, key) => {
    await post('/v1/me/stays', {
      area: division.area?.code ?? '', from: value(form, 'from') || '2020-01-01', until: value(form, 'until') || undefined,
    }, key);
    go('code');
  });
}

export async function history(): Promise<void> {
  if (!(await resident())) return;
  deletion();
  const state = await get<{ evidence: Evidence[]; lookUps: { at: string; by: string; role: string; purpose: string }[] }>('/v1/me/history');
  fill(find('#evidence'), state.evidence.map((evidence) => make('li', { 'data-kind': evidence.kind }, ...evidenceText(evidence))), t('empty'));
  fill(find('#look-ups'), state.lookUps.map((lookUp) => make('li', {},
    make('time', { datetime: lookUp.at }, moment(lookUp.at)), ' ', make('strong', {}, `${t(`role.${lookUp.role}`)} ${lookUp.by}`), ' ', lookUp.purpose)), t('history.nobody'));
}

/** In two steps, and what cannot be undone is never the first thing under a finger: the way back is always beside it. */
function deletion(): void {
  const [ask, form] = [find<HTMLButtonElement>('#deletion-ask'), find<HTMLFormElement>('#deletion-form')];
  const open = (isOpen: boolean): void => {
    form.hidden = !isOpen;
    ask.hidden = isOpen;
    ask.setAttribute('aria-expanded', String(isOpen));
    form.reset();
    (isOpen ? find<HTMLInputElement>('input[name=confirm]', form) : ask).focus();
  };
  ask.addEventListener('click', () => open(true));
  find('#deletion-cancel').addEventListener('click', () => open(false));
  onSubmit('#deletion-form', async (_, key) => {
    await post('/v1/me/deletion', { confirm: true }, key);
    await session();
    const heading = make('h1', { tabindex: '-1', 'data-deleted': 'yes' }, t('deletion.done'));
    find('main').replaceChildren(heading, make('p', {}, make('a', { href: `${prefix}/` }, t('deletion.again'))));
    heading.focus();
  });
}

type Rule = {
  rule: string; colour: string; title: Both; explanation: Both; end: Both; holds: Both[]; ends: Both[]; startsAfterDays: number; owner: Both; source: string;
  whatToDo: Both; pass: boolean;
};
type Plan = { edition: { id: string; title: Both; source: string; inForceFrom: string }; state: string; until?: string; rules: Rule[] };

export async function rules(): Promise<void> {
  void session();
  const wanted = new URLSearchParams(location.search).get('edition');
  const [editions, plan] = await Promise.all([
    get<{ id: string; title: Both; state: string }[]>('/v1/plans'), get<Plan>(`/v1/plans/${wanted ? encodeURIComponent(wanted) : 'in-force'}`),
  ]);
  const choice = find<HTMLSelectElement>('#edition-choice');
  choice.replaceChildren(...editions.map((edition) => make('option', { value: edition.id }, `${say(edition.title)} · ${t(`plans.state.${edition.state}`)} · ${edition.id}`)));
  choice.value = plan.edition.id;
  choice.addEventListener('change', () => go(`rules?edition=${encodeURIComponent(choice.value)}`));
  find('#print').addEventListener('click', () => print());
  showPlan(plan);
  showCases((await get<{ cases: string }>(`/v1/plans/${encodeURIComponent(plan.edition.id)}/text`)).cases);
}

function showPlan(plan: Plan): void {
  find('#plan-title').textContent = say(plan.edition.title);
  const state = find('#plan-state');
  state.textContent = t(`rules.state.${plan.state}`, { from: moment(plan.edition.inForceFrom), until: moment(plan.until) });
  state.dataset.state = plan.state;
  find('#plan-source').replaceChildren(make('a', { href: plan.edition.source, rel: 'noreferrer noopener' }, t('reason.source')));
  find('#rules').replaceChildren(...plan.rules.map(ruleCard));
}

function ruleCard(rule: Rule): HTMLElement {
  const row = (label: string, ...content: (Node | string)[]): HTMLElement => make('div', {}, make('dt', {}, t(label)), make('dd', {}, ...content));
  const each = (texts: Both[]): HTMLElement[] => texts.map((text) => make('p', { class: 'ending' }, say(text)));
  const days = rule.startsAfterDays > 0 ? [make('p', { class: 'ending' }, t('rules.startsAfter', { days: rule.startsAfterDays }))] : [];
  return make('article', { class: `card reason ${rule.colour}`, 'data-rule': rule.rule },
    make('h2', { class: 'rule-head' }, make('span', { class: `rule-shape ${rule.colour}` }, shape(rule.colour)), `${rule.rule} · ${t(`colour.${rule.colour}`)} · ${say(rule.title)}`),
    make('p', {}, say(rule.explanation)),
    make('dl', {},
      row('rules.holds', ...each(rule.holds), ...days),
      row('rules.ends', ...(rule.ends.length > 0 ? each(rule.ends) : [t('rules.endsWithHolds')])),
      row('reason.end', say(rule.end)), row('reason.toDo', say(rule.whatToDo)), row('reason.owner', say(rule.owner)),
      ...(rule.pass ? [row('rules.pass', t('rules.pass.may'))] : [])),
    make('p', { class: 'hint' }, make('a', { href: rule.source, rel: 'noreferrer noopener' }, t('reason.source'))));
}

/** Cases are tables whose columns stand two or more spaces apart; a line with # names the next one. */
function showCases(text: string): void {
  const place = find('#cases');
  let body: HTMLElement | undefined;
  let title = '';
  for (const line of text.split('\n').map((line) => line.trim()).filter((line) => line !== '')) {
    if (line.startsWith('#')) [title, body] = [line.slice(1).trim(), undefined];
    else if (!line.startsWith('day ')) {
      if (!body) place.append(caseTable(title, (body = make('tbody'))));
      body.append(make('tr', {}, ...line.split(/ {2,}/).map((cell, column) => make('td', {}, column === 2 ? t(`colour.${cell}`) : cell))));
    }
  }
  find('#plan-cases').hidden = place.childElementCount === 0;
}

const caseTable = (title: string, body: HTMLElement): HTMLElement => make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title }, make('table', { class: 'cases' }, make('caption', {}, title),
  make('thead', {}, make('tr', {}, ...['day', 'evidence', 'colour', 'reasons'].map((column) => make('th', { scope: 'col' }, t(`rules.case.${column}`))))), body));
