// What every page needs: texts, elements, requests, problems, forms.
import texts from 'texts';

export type Both = { zh: string; en: string };
export type Problem = { type: string; status: number; message: Both; whatToDo: Both; field?: string };

export const prefix = document.body.dataset.prefix ?? '';
export const language = document.documentElement.lang;
const table = texts as Record<string, string>;

export function t(key: string, values: Record<string, string | number> = {}): string {
  let text = table[key] ?? key;
  for (const [name, value] of Object.entries(values)) text = text.replace(`{${name}}`, String(value));
  return text;
}

/** A text that came in both languages, in the page's own. */
export const say = (text: Both | undefined): string => (text ? (language === 'en' ? text.en : text.zh) : '');

const china = { timeZone: 'Asia/Shanghai' } as const;
export const moment = (iso: string | undefined): string =>
  iso ? new Intl.DateTimeFormat(language, { ...china, dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' }).format(new Date(iso)) : '';
export const today = (): string => new Intl.DateTimeFormat('en-CA', china).format(new Date());
/** What a field for a moment holds, read as China's time. */
export const fromChina = (local: string): string | undefined => (local ? `${local}:00+08:00` : undefined);
/** Now, or so many days later, as a field for a moment holds it. */
export const nowInChina = (daysLater = 0): string =>
  new Intl.DateTimeFormat('sv-SE', { ...china, dateStyle: 'short', timeStyle: 'short' }).format(Date.now() + daysLater * 86_400_000).replace(' ', 'T');

export function find<T extends HTMLElement = HTMLElement>(selector: string, within: ParentNode = document): T {
  const element = within.querySelector<T>(selector);
  if (!element) throw new Error(`The page has no ${selector}`);
  return element;
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Record<string, string> = {}, ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.type);
  }
  get refusal(): string {
    return this.problem.type.split(':').pop() ?? '';
  }
}

/** The network did not answer; nothing is known about what became of the request. */
export class Offline extends Error {}

async function send<T>(path: string, init: RequestInit): Promise<T> {
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(path, { ...init, credentials: 'same-origin' });
    text = await answer.text();
  } catch {
    throw new Offline();
  }
  if (answer.ok) return (text ? JSON.parse(text) : undefined) as T;
  if (answer.headers.get('content-type')?.startsWith('application/problem+json')) throw new Refused(JSON.parse(text) as Problem);
  throw new Offline();
}

/** @param until Gives up, as offline, when it says so. */
export const get = <T>(path: string, until?: AbortSignal): Promise<T> => send<T>(path, until ? { signal: until } : {});

export const post = <T>(path: string, body: unknown, key: string = crypto.randomUUID()): Promise<T> =>
  send<T>(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Requested-With': 'HealthCode', 'Idempotency-Key': key },
    body: JSON.stringify(body),
  });

/** Sends a file as it is, under the header that only our own pages send. */
export const postFile = <T>(path: string, file: Blob, type: string): Promise<T> =>
  send<T>(path, { method: 'POST', headers: { 'Content-Type': type, 'X-Requested-With': 'HealthCode' }, body: file });

export function clearProblem(): void {
  find('#problem').hidden = true;
  for (const error of document.querySelectorAll('.field-error')) error.textContent = '';
  for (const input of document.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid');
}

/** Says what was wrong, beside the field when one was, and always where a screen reader hears it. */
export function showProblem(error: unknown, form: ParentNode = document): void {
  const banner = find('#problem');
  const [message, toDo] = error instanceof Refused
    ? [say(error.problem.message), say(error.problem.whatToDo)]
    : [t('problem.offline'), t('problem.offline.toDo')];
  banner.replaceChildren(make('strong', {}, message), make('span', {}, ` ${toDo}`));
  banner.dataset.problem = error instanceof Refused ? error.refusal : 'offline';
  banner.hidden = false;
  if (!(error instanceof Refused)) console.error(error);
  const field = error instanceof Refused ? error.problem.field?.replace(/^\$\./, '') : undefined;
  const place = field ? form.querySelector<HTMLElement>(`[data-error-for="${CSS.escape(field)}"]`) : null;
  if (place) {
    place.textContent = `${message} ${toDo}`;
    const input = form.querySelector<HTMLElement>(`[name="${CSS.escape(field!)}"]`) ?? place.parentElement?.querySelector<HTMLElement>('select,input');
    input?.setAttribute('aria-invalid', 'true');
    input?.focus();
  } else banner.scrollIntoView({ block: 'center' });
}

/** Sends a form once at a time; a try after a failure carries the same key, so that nothing counts twice. */
export function onSubmit(selector: string, work: (form: HTMLFormElement, key: string) => Promise<void>): void {
  const form = document.querySelector<HTMLFormElement>(selector);
  if (!form) return;
  let key = crypto.randomUUID();
  let sent = '';
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = find<HTMLButtonElement>('button[type=submit]', form);
    // Also what has no name, such as the selects of a division: another place is another submission.
    const content = JSON.stringify([...form.querySelectorAll<HTMLInputElement>('input,select,textarea')].map((field) => [field.value, field.checked]));
    if (content !== sent) [key, sent] = [crypto.randomUUID(), content];
    clearProblem();
    button.disabled = true;
    try {
      await work(form, key);
      sent = '';
    } catch (error) {
      showProblem(error, form);
    } finally {
      button.disabled = false;
    }
  });
}

export const value = (form: ParentNode, name: string): string =>
  form.querySelector<HTMLInputElement>(`[name="${CSS.escape(name)}"]`)?.value.trim() ?? '';
export const checked = (form: ParentNode, name: string): string[] =>
  [...form.querySelectorAll<HTMLInputElement>(`[name="${CSS.escape(name)}"]:checked`)].map((input) => input.value);
/** A decimal as it was typed, or nothing; what is no number becomes one that is refused by name. */
export const decimal = (text: string): number | undefined => (text === '' ? undefined : Number(text.replace(',', '.')) || 0);

export type Session = { signedIn: boolean; name?: string; roles: string[]; hasApplied: boolean; demo: boolean };

export async function session(): Promise<Session> {
  const state = await get<Session>('/v1/session');
  const who = find('#who');
  who.textContent = state.name ?? '';
  who.hidden = !state.signedIn;
  const out = find('#sign-out');
  out.hidden = !state.signedIn;
  out.onclick = async () => {
    await post('/v1/sign-out', {});
    location.href = `${prefix}/`;
  };
  return state;
}

export const go = (page: string): void => {
  location.href = `${prefix}/${page}`;
};

/** Lists and tables say so when they are empty. On a phone a table's rows stand one below the other, each cell with its column's name. */
export function fill(list: HTMLElement, rows: HTMLElement[], empty: string): void {
  const columns = [...(list.closest('table')?.querySelectorAll('thead th') ?? [])].map((head) => head.textContent ?? '');
  for (const row of rows)
    row.querySelectorAll<HTMLElement>(':scope > td').forEach((cell, index) => (cell.dataset.label = columns[index] ?? ''));
  const nothing = list.tagName === 'TBODY'
    ? make('tr', {}, make('td', { colspan: String(columns.length || 1), class: 'hint' }, empty)) : make('li', { class: 'hint' }, empty);
  list.replaceChildren(...(rows.length > 0 ? rows : [nothing]));
}
