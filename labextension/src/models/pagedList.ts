import { type Page } from '../api/generated';
import { Resource } from './resource';

const LARGEST_PAGE = 1000;

/** Reads one page: at most `limit` items from `cursor` on. */
export type ReadPage<T> = (limit: number, cursor: string, signal: AbortSignal) => Promise<Page<T>>;

/** A list that is read page by page; a refresh reads as much again as was on screen. */
export class PagedList<T> extends Resource<Page<T>> {
  constructor(
    private readonly readPage: ReadPage<T>,
    private readonly size = 50
  ) {
    super(signal => this.readAll(signal));
  }

  get items(): readonly T[] {
    return this.value?.items ?? [];
  }

  get hasMore(): boolean {
    return Boolean(this.value?.next);
  }

  /** Show one page more. */
  async loadMore(): Promise<void> {
    if (this.hasMore && !this.state.loading) {
      this._wanted = this.items.length + this.size;
      this._more = true;
      await this.refresh();
    }
  }

  override reset(): void {
    this._wanted = 0;
    super.reset();
  }

  private async readAll(signal: AbortSignal): Promise<Page<T>> {
    // Only a reader who asked for more continues from the cursor; any other refresh begins anew.
    const held = this._more ? this.value : null;
    this._more = false;
    const items = [...(held?.items ?? [])];
    let cursor = held?.next ?? '';
    const wanted = Math.max(this._wanted, this.size);
    do {
      const page = await this.readPage(Math.min(wanted - items.length, LARGEST_PAGE), cursor, signal);
      items.push(...page.items);
      cursor = page.next;
    } while (cursor && items.length < wanted);
    return { items, next: cursor };
  }

  private _wanted = 0;
  private _more = false;
}
