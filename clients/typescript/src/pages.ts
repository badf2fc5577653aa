// Lists are pages; most callers want the rows.

export interface Page<Row> {
  data: Row[];
  next_cursor?: string | null;
}

/** All rows of a list, a page at a time: `for await (const order of each((cursor) => ...))`. */
export async function* each<Row>(
  read: (cursor: string | undefined) => Promise<Page<Row>>,
): AsyncGenerator<Row, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    yield* page.data;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}
