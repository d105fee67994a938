// Picks a division from the province down, one select after the other, as deep as is asked for.
import { find, get, make, t } from './lib';

type Division = { code: string; name: string; englishName?: string; hasChildren: boolean };

export class DivisionPicker {
  private readonly selects: HTMLElement;
  private readonly depth: number;
  readonly name: string;

  constructor(private readonly fieldset: HTMLElement) {
    this.selects = find('.selects', fieldset);
    this.depth = Number(fieldset.dataset.depth);
    this.name = fieldset.dataset.division ?? '';
    void this.add('', 0);
  }

  /** Begins anew, with what there is now. */
  reset(): void {
    this.selects.replaceChildren();
    void this.add('', 0);
  }

  /** The smallest division that was chosen. */
  get code(): string {
    const chosen = [...this.selects.querySelectorAll('select')].map((select) => select.value).filter((code) => code !== '');
    return chosen[chosen.length - 1] ?? '';
  }

  private async add(parent: string, level: number): Promise<void> {
    const children = await get<Division[]>(`/v1/divisions${parent ? `?parent=${parent}` : ''}`);
    if (children.length === 0 || this.selects.children.length > level) return;
    const label = `${this.fieldset.querySelector('legend')?.textContent ?? ''} ${level + 1}`;
    const select = make('select', { 'aria-label': label, class: 'form-select', 'data-level': String(level) },
      make('option', { value: '' }, t('choose')),
      ...children.map((child) => make('option', { value: child.code }, document.documentElement.lang === 'en' && child.englishName ? `${child.englishName} ${child.name}` : child.name)));
    select.addEventListener('change', () => {
      while (this.selects.children.length > level + 1) this.selects.lastElementChild!.remove();
      const child = children.find((known) => known.code === select.value);
      if (child?.hasChildren && this.mayGoBelow(child.code)) void this.add(child.code, level + 1);
    });
    this.selects.append(select);
    this.fieldset.dataset.ready = String(level + 1);
  }

  private mayGoBelow(code: string): boolean {
    return code.length < this.depth || /0000$/.test(code) || /^\d{4}00$/.test(code);
  }
}

export function pickers(): Record<string, DivisionPicker> {
  const all: Record<string, DivisionPicker> = {};
  for (const fieldset of document.querySelectorAll<HTMLElement>('[data-division]')) {
    const picker = new DivisionPicker(fieldset);
    all[picker.name] = picker;
  }
  return all;
}
