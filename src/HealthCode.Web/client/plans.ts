// The plan officer's page: editions, drafts, the editor, the trial, the approval. A module of its own.
import {
  clearProblem, fill, find, fromChina, get, language, make, moment, onSubmit, post, prefix, Refused, say, showProblem, t, value, type Both,
} from './lib';
import { staffPage } from './parts';
import { showDiff } from './plan-diff';
import { TextEditor } from './plan-editor';
import { showAnswer, type Answer } from './plan-whatif';
import { row, rowsOf, withReason } from './staff';

type Edition = { id: string; title: Both; state: string; inForceFrom: string; until?: string };
type Fact = { edition: string; what: string; by: string; at: string; reason: string; author?: string; inForceFrom?: string };
type Summary = {
  id: string; edition?: string; state: string; author: string; version: number; changedBy: string; changedAt: string; tried: boolean; approvedBy?: string;
};
type Problem = { line: number; column: number; message: string };
type Check = { id?: string; title?: Both; problems: Problem[]; cases: { title: string; line: number; problem?: string }[] };
type Draft = { draft: Summary; text: string; cases: string; check: Check; answer?: Answer };
type Trial = { state: string; draft?: string; startedBy?: string; partitionsDone: number; partitions: number; people: number; answer?: Answer };
type Copy = { version: number; text: string; cases: string };

const open = (draft: string): void => {
  location.href = `${prefix}/staff/plans?draft=${draft}`;
};
const button = (label: string, work: () => Promise<void>): HTMLButtonElement => {
  const element = make('button', { type: 'button', class: 'btn' }, label);
  element.addEventListener('click', () => {
    clearProblem();
    element.disabled = true;
    work().catch(showProblem).finally(() => (element.disabled = false));
  });
  return element;
};

// ---- The lists ----

async function begin(from?: string): Promise<void> {
  open((await post<Draft>('/v1/plans/drafts', { from })).draft.id);
}

async function overview(): Promise<void> {
  const [editions, drafts, history] = await Promise.all([
    get<Edition[]>('/v1/plans'), get<Summary[]>('/v1/plans/drafts'), get<Fact[]>('/v1/plans/history'),
  ]);
  fill(rowsOf('#editions'), editions.map((edition) => {
    const approval = history.find((fact) => fact.what === 'approved' && fact.edition === edition.id);
    const actions = make('div', {}, button(t('plans.newFrom'), () => begin(edition.id)));
    if (edition.state === 'planned')
      actions.append(withReason(t('plans.withdraw'), async (reason) => {
        await post(`/v1/plans/${edition.id}/withdrawal`, { reason });
        await overview();
      }));
    const shown = row(
      make('span', {}, make('a', { href: `${prefix}/rules?edition=${edition.id}` }, edition.id), make('br'), say(edition.title)),
      t(`plans.state.${edition.state}`), moment(edition.inForceFrom), edition.until ? moment(edition.until) : '—', approval?.author ?? '', approval?.by ?? '', actions);
    shown.dataset.edition = edition.id;
    shown.dataset.state = edition.state;
    return shown;
  }), t('empty'));
  fill(rowsOf('#drafts'), drafts.map((draft) => row(
    draft.edition ?? t('plans.unnamed'), t(`plans.draft.${draft.state}`), draft.author, `${moment(draft.changedAt)} · ${draft.changedBy}`,
    t(draft.tried ? 'yes' : 'no'), make('a', { href: `${prefix}/staff/plans?draft=${draft.id}` }, t('plans.open')))), t('empty'));
  fill(find('#plan-history'), history.map((fact) => make('li', {},
    make('time', { datetime: fact.at }, moment(fact.at)), ' ', make('strong', {}, fact.edition), ' ', t(`plans.fact.${fact.what}`), ` · ${fact.by} · ${fact.reason}`)), t('empty'));
}

// ---- The editor ----

const CheckAfterMs = 400;
const PollMs = 500;

class DraftEditor {
  private readonly text = new TextEditor('text', () => this.changed());
  private readonly cases = new TextEditor('cases', () => this.changed());
  private state!: Draft;
  private saved: Copy = { version: 0, text: '', cases: '' };
  private inForce = { id: '', text: '' };
  private timer = 0;
  private checks = 0;

  constructor(private readonly id: string, private readonly user: string) {}

  private get place(): string {
    return `plan-draft:${this.id}`;
  }

  async start(): Promise<void> {
    const plan = await get<{ edition: { id: string } }>('/v1/plans/in-force');
    this.inForce = { id: plan.edition.id, text: (await get<{ text: string }>(`/v1/plans/${plan.edition.id}/text`)).text };
    this.take(await get<Draft>(`/v1/plans/drafts/${this.id}`));
    this.restore();
    find('#save').onclick = () => void this.save().catch((error) => this.failed(error));
    find('#discard').onclick = () => void this.discard().catch((error) => this.failed(error));
    find('#take-theirs').onclick = () => this.settle(this.saved.text, this.saved.cases);
    find('#keep-mine').onclick = () => this.settle(this.text.value, this.cases.value);
    find('#cancel-what-if').onclick = () => void post('/v1/plans/what-if/cancel', {}).catch(showProblem);
    onSubmit('#what-if', () => this.tryOut());
    onSubmit('#approve', (form) => this.approve(form));
    await this.follow();
  }

  /** What the server has becomes what is on the page. */
  private take(state: Draft): void {
    this.state = state;
    this.saved = { version: state.draft.version, text: state.text, cases: state.cases };
    this.text.value = state.text;
    this.cases.value = state.cases;
    this.show(state.check);
    this.describe();
    const answer = find('#answer');
    answer.hidden = !state.answer;
    if (state.answer) showAnswer(answer, state.answer);
  }

  private describe(): void {
    const draft = this.state.draft;
    find('#draft-state').textContent = t('plans.draftState', {
      edition: draft.edition ?? t('plans.unnamed'), state: t(`plans.draft.${draft.state}`), version: draft.version, author: draft.author,
      changedBy: draft.changedBy, at: moment(draft.changedAt),
    });
    document.body.dataset.draft = draft.state;
    document.body.dataset.version = String(draft.version);
    const closed = draft.state !== 'draft';
    for (const element of document.querySelectorAll<HTMLElement>('#editor .sticky, #what-if .buttons, #what-if .row2, #approve')) element.hidden = closed;
    this.text.area.readOnly = this.cases.area.readOnly = closed;
    this.differ();
  }

  private get dirty(): boolean {
    return this.text.value !== this.saved.text || this.cases.value !== this.saved.cases;
  }

  private changed(): void {
    // A closed window, a lost network, an expired session: what was typed is here again at the next opening.
    if (this.dirty) localStorage.setItem(this.place, JSON.stringify({ version: this.saved.version, text: this.text.value, cases: this.cases.value } satisfies Copy));
    else localStorage.removeItem(this.place);
    this.differ();
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.check().catch((error) => this.failed(error)), CheckAfterMs);
  }

  private restore(): void {
    const kept = localStorage.getItem(this.place);
    if (!kept || this.state.draft.state !== 'draft') return;
    const copy = JSON.parse(kept) as Copy;
    if (copy.text === this.saved.text && copy.cases === this.saved.cases) return;
    this.text.value = copy.text;
    this.cases.value = copy.cases;
    if (copy.version === this.saved.version) {
      this.changed();
      find('#saved').textContent = t('plans.restored');
    } else this.conflict();
  }

  private async check(): Promise<void> {
    const number = ++this.checks;
    const found = await post<Check>('/v1/plans/check', { text: this.text.value, cases: this.cases.value });
    // Of two answers on their way, the later question's counts.
    if (number === this.checks) this.show(found);
  }

  private show(found: Check): void {
    const problems = found.problems;
    this.text.mark(problems.map((problem) => problem.line));
    const state = find('#check-state');
    state.textContent = problems.length > 0 ? `✕ ${t('plans.problems', { count: problems.length })}` : `✓ ${t('plans.readable', { edition: found.id ?? '' })}`;
    state.dataset.check = problems.length > 0 ? 'wrong' : 'fine';
    find('#problems').replaceChildren(...problems.map((problem) => make('li', {}, this.jumper(this.text, problem.line, problem.column, problem.message))));
    this.showCases(found);
    this.needs(found);
  }

  private showCases(found: Check): void {
    const failing = found.cases.filter((result) => result.problem);
    this.cases.mark(failing.map((result) => result.line));
    const state = find('#cases-state');
    state.textContent = found.problems.length > 0 ? t('plans.cases.waiting') : found.cases.length === 0 ? `✕ ${t('plans.cases.none')}`
      : `${failing.length > 0 ? '✕' : '✓'} ${t('plans.cases.passed', { passed: found.cases.length - failing.length, all: found.cases.length })}`;
    state.dataset.check = found.problems.length > 0 ? '' : failing.length > 0 || found.cases.length === 0 ? 'wrong' : 'fine';
    find('#case-results').replaceChildren(...found.cases.map((result) => make('li', { class: result.problem ? 'fails' : 'passes' },
      `${result.problem ? '✕' : '✓'} ${result.title}`,
      ...(result.problem ? [make('br'), this.jumper(this.cases, result.line, 1, result.problem)] : []))));
  }

  private jumper(editor: TextEditor, line: number, column: number, message: string): HTMLElement {
    const element = make('button', { type: 'button', class: 'link' }, `${line}:${column}`);
    element.addEventListener('click', () => editor.jump(line, column));
    return make('span', {}, element, ` ${message}`);
  }

  private differ(): void {
    find('#diff-against').textContent = t('plans.diff.against', { edition: this.inForce.id });
    showDiff(find('#diff'), this.inForce.text, this.text.value);
  }

  private needs(found: Check): void {
    const draft = this.state.draft;
    const needs: [boolean, string][] = [
      [!this.dirty, 'plans.need.saved'], [found.problems.length === 0, 'plans.need.valid'],
      [found.problems.length === 0 && found.cases.length > 0 && found.cases.every((result) => !result.problem), 'plans.need.cases'],
      [draft.tried && !this.dirty, 'plans.need.tried'], [draft.author !== this.user && draft.changedBy !== this.user, 'plans.need.other'],
    ];
    find('#approve-needs').replaceChildren(...needs.map(([done, what]) => make('li', { class: done ? 'passes' : 'fails', 'data-need': what.split('.').pop()! }, `${done ? '✓' : '✕'} ${t(what)}`)));
  }

  private async save(): Promise<void> {
    clearProblem();
    this.take(await post<Draft>(`/v1/plans/drafts/${this.id}`, { version: this.saved.version, text: this.text.value, cases: this.cases.value }));
    localStorage.removeItem(this.place);
    find('#saved').textContent = t('plans.saved', { version: this.saved.version, at: moment(new Date().toISOString()) });
  }

  private async discard(): Promise<void> {
    clearProblem();
    if (!confirm(t('plans.discard.ask'))) return;
    await post(`/v1/plans/drafts/${this.id}/discard`, { version: this.saved.version });
    localStorage.removeItem(this.place);
    location.href = `${prefix}/staff/plans`;
  }

  private failed(error: unknown): void {
    showProblem(error);
    if (error instanceof Refused && error.refusal === 'draft-changed') void this.reread();
  }

  /** Somebody saved meanwhile: theirs is read, mine stays on the page until one is chosen. */
  private async reread(): Promise<void> {
    const [text, cases] = [this.text.value, this.cases.value];
    this.take(await get<Draft>(`/v1/plans/drafts/${this.id}`));
    this.text.value = text;
    this.cases.value = cases;
    this.conflict();
  }

  private conflict(): void {
    find('#conflict').hidden = false;
    showDiff(find('#conflict-diff'), `${this.saved.text}\n${this.saved.cases}`, `${this.text.value}\n${this.cases.value}`);
    find('#conflict').scrollIntoView();
  }

  private settle(text: string, cases: string): void {
    find('#conflict').hidden = true;
    clearProblem();
    this.text.value = text;
    this.cases.value = cases;
    this.changed();
  }

  // ---- The trial ----

  private async tryOut(): Promise<void> {
    try {
      if (this.dirty) await this.save();
      await post('/v1/plans/drafts/' + this.id + '/what-if', { version: this.saved.version, day: value(document, 'day') || undefined });
    } catch (error) {
      this.failed(error);
      return;
    }
    void this.follow(true);
  }

  /** @param mine Whether it was begun here: a small region's trial may be over before it is first asked for. */
  private async follow(mine = false): Promise<void> {
    const [state, bar, cancel] = [find('#what-if-state'), find<HTMLProgressElement>('#what-if-progress'), find('#cancel-what-if')];
    for (;;) {
      const trial = await get<Trial>('/v1/plans/what-if');
      const running = trial.state === 'running';
      mine ||= running && trial.draft === this.id;
      cancel.hidden = bar.hidden = !running;
      bar.max = trial.partitions;
      bar.value = trial.partitionsDone;
      const people = new Intl.NumberFormat(language).format(trial.people);
      state.textContent = running ? t('plans.running', { done: trial.partitionsDone, all: trial.partitions, people, by: trial.startedBy ?? '' }) : mine ? t(`plans.trial.${trial.state}`) : '';
      state.dataset.trial = trial.state;
      if (!running) {
        if (mine && trial.draft === this.id && trial.state === 'done') await this.tried();
        return;
      }
      await new Promise((done) => setTimeout(done, PollMs));
    }
  }

  // What was typed during the trial stays; only what the server knows of the draft is read again.
  private async tried(): Promise<void> {
    const state = await get<Draft>(`/v1/plans/drafts/${this.id}`);
    this.state = { ...this.state, draft: state.draft, answer: state.answer };
    if (state.answer) showAnswer(find('#answer'), state.answer);
    this.describe();
    await this.check();
  }

  private async approve(form: HTMLFormElement): Promise<void> {
    try {
      await post(`/v1/plans/drafts/${this.id}/approval`, {
        version: this.saved.version, from: fromChina(value(form, 'from')), reason: value(form, 'reason'),
      });
    } catch (error) {
      if (error instanceof Refused && error.refusal === 'draft-changed') await this.reread();
      throw error;
    }
    location.href = `${prefix}/staff/plans`;
  }
}

const page = staffPage(['plan-officer'], async (state) => {
  const draft = new URLSearchParams(location.search).get('draft');
  find('#overview').hidden = draft !== null;
  find('#editor').hidden = draft === null;
  if (draft) {
    await new DraftEditor(draft, state.name ?? '').start();
    return;
  }
  find('#new-draft').replaceWith(button(t('plans.newEmpty'), () => begin()));
  await overview();
});
page.catch(showProblem);
