// The pages of staff.
import { pickers } from './division';
import { checked, clearProblem, fill, find, fromChina, get, make, moment, nowInChina, onSubmit, post, say, showProblem, t, value, type Both } from './lib';
import { evidenceText, reasonCard, staffPage, type Evidence, type Reason } from './parts';

export const rowsOf = (table: string): HTMLElement => find(`${table} tbody`);
export const row = (...cells: (Node | string)[]): HTMLTableRowElement => make('tr', {}, ...cells.map((cell) => make('td', {}, cell)));

/** A button that asks for the reason first, in the row itself: what is done to somebody is never done without one. */
export function withReason(label: string, work: (reason: string) => Promise<void>): HTMLElement {
  const form = make('form', { class: 'inline', novalidate: '' },
    make('input', { 'aria-label': t('reason'), placeholder: t('reason'), class: 'form-control', maxlength: '200' }),
    make('button', { class: 'btn', type: 'submit' }, label));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    clearProblem();
    try {
      await work(form.querySelector('input')!.value.trim());
    } catch (error) {
      showProblem(error);
    }
  });
  return form;
}

export const home = (): Promise<void> => staffPage([], async () => {
  find('#welcome').hidden = false;
});

type Case = {
  id: string; person: string; maskedNumber: string; maskedName?: string; status: string; diagnosed: string; institution: string; recordedBy: string;
  withdrawn: boolean; evidence: string;
};

export const cases = (): Promise<void> => staffPage(['epidemiologist'], async () => {
  find<HTMLInputElement>('#diagnosed').value = nowInChina();
  const load = async (): Promise<void> => {
    const files = await get<Case[]>('/v1/cases');
    fill(rowsOf('#cases'), files.map((file) => row(
      file.maskedName ?? t('people.notApplied'), file.maskedNumber, t(`status.${file.status}`), moment(file.diagnosed), file.institution, file.recordedBy,
      file.withdrawn ? make('em', { class: 'withdrawn' }, t('withdrawn')) : withReason(t('withdraw'), async (reason) => {
        await post('/v1/corrections', { person: file.person, evidence: file.evidence, reason });
        await load();
      }))), t('empty'));
  };
  onSubmit('#record-case', async (form, key) => {
    await post('/v1/cases', {
      documentType: value(form, 'documentType'), documentNumber: value(form, 'documentNumber'), status: value(form, 'status'),
      diagnosed: fromChina(value(form, 'diagnosed')) ?? '2020-01-01T00:00:00+08:00', onset: value(form, 'onset') || undefined,
      institution: value(form, 'institution'),
    }, key);
    find<HTMLInputElement>('#documentNumber').value = '';
    await load();
  });
  await load();
});

/** The fields of each kind beside those that all have; what is a division, a moment or a number is said below. */
const entryFields: Record<string, string[]> = {
  stay: ['area', 'until', 'confidence'], journey: ['mode', 'number', 'carriage', 'seat', 'from', 'to', 'until'], test: ['result', 'institution'],
  vaccination: ['dose', 'vaccine'], contact: ['degree', 'circumstance'], order: ['ordered', 'institution', 'basis'], release: ['released', 'institution'],
  arrival: ['country', 'port'], recognition: ['issuer', 'colour', 'reason'], pass: ['hours', 'purpose'],
};

export const evidence = (): Promise<void> => staffPage(['community-worker', 'epidemiologist'], async (state) => {
  const division = pickers();
  const kind = find<HTMLSelectElement>('#kind');
  for (const option of [...kind.options])
    if (!(option.dataset.roles ?? '').split(' ').some((role) => state.roles.includes(role))) option.remove();
  const choose = (): void => {
    clearProblem();
    for (const field of document.querySelectorAll<HTMLElement>('[data-kinds]')) field.hidden = !field.dataset.kinds!.split(' ').includes(kind.value);
    find('#happened-label').textContent = t(`happened.${kind.value}`);
    find('#until-label').textContent = t(`until.${kind.value === 'journey' ? 'journey' : 'stay'}`);
  };
  kind.addEventListener('change', choose);
  choose();
  find<HTMLInputElement>('#happened').value = nowInChina();

  const read = (form: ParentNode, name: string): string | number | undefined => {
    if (name in division) return division[name]?.code ?? '';
    const text = value(form, name);
    if (name === 'until') return fromChina(text);
    return ['confidence', 'dose', 'hours'].includes(name) && text !== '' ? Number(text) : text || undefined;
  };
  onSubmit('#enter', async (form, key) => {
    const entered = await post<{ maskedName?: string; colour: string; rules: string[] }>('/v1/evidence', {
      kind: kind.value, documentType: value(form, 'documentType'), documentNumber: value(form, 'documentNumber'), happened: fromChina(value(form, 'happened')),
      ...Object.fromEntries(entryFields[kind.value]!.map((name) => [name, read(form, name)])),
    }, key);
    const result = find('#entered');
    result.textContent = t(entered.rules.length > 0 ? 'entry.done.rules' : 'entry.done', {
      kind: t(`kind.${kind.value}`), name: entered.maskedName ?? t('people.notApplied'), colour: t(`colour.${entered.colour}`), rules: entered.rules.join(', '),
    });
    result.dataset.colour = entered.colour;
    result.hidden = false;
    find<HTMLInputElement>('#documentNumber').value = '';
  });
});

type Change = {
  id: string; maskedName: string; maskedNumber: string; maskedNewPhone: string; inRegister: boolean; state: string; askedAt: string; answeredBy?: string;
};

export const phoneChanges = (): Promise<void> => staffPage(['community-worker'], async () => {
  const load = async (): Promise<void> => {
    const answer = (change: Change, confirm: boolean) => async (reason: string): Promise<void> => {
      await post(`/v1/phone-changes/${change.id}/answer`, { confirm, reason });
      await load();
    };
    const changes = await get<Change[]>('/v1/phone-changes');
    fill(rowsOf('#changes'), changes.map((change) => row(
      change.maskedName, change.maskedNumber, change.maskedNewPhone, t(change.inRegister ? 'yes' : 'no'), moment(change.askedAt),
      change.state === 'open'
        ? make('div', {}, ...(change.inRegister ? [withReason(t('phoneChange.confirm'), answer(change, true))] : []), withReason(t('phoneChange.refuse'), answer(change, false)))
        : `${t(`phoneChange.${change.state}`)} · ${change.answeredBy ?? ''}`)), t('empty'));
  };
  await load();
});

type Person = { person: string; maskedName?: string; colour: string; reasons: Reason[]; evidence: Evidence[] };

export const people = (): Promise<void> => staffPage(['community-worker', 'epidemiologist'], async () => {
  const show = (person: Person, again: () => Promise<void>): void => {
    find('#person').hidden = false;
    find('#person-name').textContent = person.maskedName ?? t('people.notApplied');
    const colour = find('#person-colour');
    colour.textContent = t(`colour.${person.colour}`);
    colour.dataset.colour = person.colour;
    find('#person-reasons').replaceChildren(...person.reasons.map(reasonCard));
    fill(rowsOf('#person-evidence'), person.evidence.map((evidence) => row(
      make('span', {}, ...evidenceText(evidence)),
      evidence.correctable ? withReason(t('withdraw'), async (reason) => {
        await post('/v1/corrections', { person: person.person, evidence: evidence.id, reason });
        await again();
      }) : '')), t('empty'));
  };
  onSubmit('#look-up', async (form) => {
    const question = { documentType: value(form, 'documentType'), documentNumber: value(form, 'documentNumber'), purpose: value(form, 'purpose') };
    const load = async (): Promise<void> => show(await post<Person>('/v1/people/look-ups', question), load);
    await load();
  });
});

type Place = { id: string; name: Both; areaName: Both };
type Staff = { userName: string; roles: string[]; places: string[] };

export const admin = (): Promise<void> => staffPage(['administrator'], async () => {
  const division = pickers();
  const load = async (): Promise<void> => {
    const [places, staff] = await Promise.all([get<Place[]>('/v1/places'), get<Staff[]>('/v1/staff')]);
    fill(rowsOf('#place-list'), places.map((place) => row(place.id, say(place.name), say(place.areaName))), t('empty'));
    fill(rowsOf('#staff-list'), staff.map((user) => row(user.userName, user.roles.map((role) => t(`role.${role}`)).join(', '), user.places.join(', '))), t('empty'));
  };
  onSubmit('#add-place', async (form, key) => {
    await post('/v1/places', {
      id: value(form, 'id'), name: { zh: value(form, 'name.zh'), en: value(form, 'name.en') }, kind: value(form, 'kind'),
      area: division.area?.code ?? '', asksTemperature: find<HTMLInputElement>('#asksTemperature').checked,
    }, key);
    form.reset();
    await load();
  });
  onSubmit('#add-staff', async (form, key) => {
    await post('/v1/staff', {
      userName: value(form, 'userName'), password: find<HTMLInputElement>('#newPassword').value, roles: checked(form, 'roles'),
      places: value(form, 'places').split(/[\s,，]+/).filter((place) => place !== ''),
    }, key);
    form.reset();
    await load();
  });
  await load();
});

type Daily = { batchesBehind: number; caughtUpAt?: string; counts: { day: string; kind: string; source: string; count?: number }[] };

export const statistics = (): Promise<void> => staffPage(['epidemiologist', 'plan-officer'], async () => {
  const daily = await get<Daily>('/v1/statistics/daily');
  const lag = find('#statistics-lag');
  lag.textContent = daily.batchesBehind === 0 ? t('statistics.current') : t('statistics.behind', { batches: daily.batchesBehind });
  lag.dataset.behind = String(daily.batchesBehind);
  const most = Math.max(1, ...daily.counts.map((count) => count.count ?? 0));
  fill(rowsOf('#statistics'), daily.counts.map((count) => row(
    count.day, t(`kind.${count.kind}`), t(`source.${count.source}`), count.count === undefined ? t('statistics.few') : count.count.toLocaleString(), bar((count.count ?? 0) / most))), t('empty'));
});

/** Beside its number, which says the same: nothing for whoever listens. */
function bar(share: number): SVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  for (const [name, content] of Object.entries({ viewBox: '0 0 200 14', width: '200', height: '14', 'aria-hidden': 'true', class: 'bar-of' })) svg.setAttribute(name, content);
  const rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  for (const [name, content] of Object.entries({ width: String(Math.round(share * 200)), height: '14', rx: '2' })) rect.setAttribute(name, content);
  svg.append(rect);
  return svg;
}
