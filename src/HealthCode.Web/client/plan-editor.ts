// A textarea that counts its lines and marks those with a problem.
import { find, make } from './lib';

export class TextEditor {
  readonly area: HTMLTextAreaElement;
  private readonly lines: HTMLElement;
  private marked = new Set<number>();

  constructor(id: string, changed: () => void) {
    this.area = find<HTMLTextAreaElement>(`#${id}`);
    this.lines = find(`#${id}-lines`);
    this.area.addEventListener('input', () => {
      this.number();
      changed();
    });
    this.area.addEventListener('scroll', () => (this.lines.scrollTop = this.area.scrollTop));
    // Tab leaves the field, as everywhere; two spaces are how YAML is indented.
  }

  get value(): string {
    return this.area.value;
  }

  set value(text: string) {
    this.area.value = text;
    this.number();
  }

  mark(lines: number[]): void {
    this.marked = new Set(lines);
    this.number();
    if (lines.length > 0) this.area.setAttribute('aria-invalid', 'true');
    else this.area.removeAttribute('aria-invalid');
  }

  /** Puts the cursor on a line and column, and the line in the middle. */
  jump(line: number, column: number): void {
    const before = this.value.split('\n').slice(0, line - 1);
    const start = before.reduce((length, text) => length + text.length + 1, 0) + column - 1;
    const end = this.value.indexOf('\n', start);
    this.area.focus();
    this.area.setSelectionRange(start, end < 0 ? this.value.length : end);
    const height = this.area.scrollHeight / Math.max(1, this.value.split('\n').length);
    this.area.scrollTop = Math.max(0, (line - 1) * height - this.area.clientHeight / 2);
  }

  private number(): void {
    const count = this.value.split('\n').length;
    this.lines.replaceChildren(...Array.from({ length: count }, (_, index) => this.marked.has(index + 1)
      ? make('span', { class: 'wrong' }, `✕${index + 1}\n`) : `${index + 1}\n`));
    this.lines.scrollTop = this.area.scrollTop;
  }
}
