// Compiled by tsc as part of the type check: what is wrong here does not compile.
// oxlint-disable typescript/no-generated-empty-object-type -- a path without parameters gives that very type
import { type PathParams, WebsocketConsumer } from "millrace";
import type { Equal, Expect } from "./expect.ts";

export type Checked = [
  // A name behind a colon is a string.
  Expect<Equal<PathParams<"/ws/chat/:room/">, { readonly room: string }>>,
  Expect<Equal<PathParams<"ws/chat/:room">, { readonly room: string }>>,
  Expect<Equal<PathParams<":room">, { readonly room: string }>>,
  // Two parameters are two.
  Expect<Equal<PathParams<"/:room/:user/">, { readonly room: string; readonly user: string }>>,
  // No parameters are no properties.
  Expect<Equal<keyof PathParams<"/x1/">, never>>,
  Expect<Equal<keyof PathParams<"">, never>>,
  // What stands in braces may be absent, however deep and wherever it stands.
  Expect<Equal<PathParams<"/x{/:id}">, { readonly id?: string }>>,
  Expect<Equal<PathParams<"{/:locale}/about">, { readonly locale?: string }>>,
  Expect<
    Equal<
      PathParams<"/:a{/:b{/:c}/:d}/:e">,
      { readonly a: string; readonly b?: string; readonly c?: string; readonly d?: string; readonly e: string }
    >
  >,
  Expect<Equal<PathParams<"/{x/}:id">, { readonly id: string }>>,
  // A wildcard is a list.
  Expect<Equal<PathParams<"/files/*rest">, { readonly rest: readonly string[] }>>,
  Expect<Equal<PathParams<"/files{/*rest}">, { readonly rest?: readonly string[] }>>,
  Expect<Equal<PathParams<"/:id/*rest/end">, { readonly id: string; readonly rest: readonly string[] }>>,
  // A name ends at punctuation.
  Expect<Equal<PathParams<"/:a-:b.:c/">, { readonly a: string; readonly b: string; readonly c: string }>>,
  Expect<Equal<PathParams<"/:a@:b~:c">, { readonly a: string; readonly b: string; readonly c: string }>>,
  Expect<Equal<PathParams<"/:from_date2/:$x">, { readonly from_date2: string; readonly $x: string }>>,
  Expect<Equal<PathParams<"/v:major.json">, { readonly major: string }>>,
  // A name may be of any script.
  Expect<Equal<PathParams<"/聊天/:房间/">, { readonly 房间: string }>>,
  // A name in quotation marks is what stands between them.
  Expect<Equal<PathParams<'/:"a b"c'>, { readonly "a b": string }>>,
  // A sign behind a backslash is a letter like any other.
  Expect<Equal<PathParams<"/a\\:b/:c">, { readonly c: string }>>,
  Expect<Equal<PathParams<"/a\\{b/:c">, { readonly c: string }>>,
  Expect<Equal<keyof PathParams<"/a\\*b">, never>>,
  // A path that only the running program knows may have any.
  Expect<Equal<PathParams<string>, Readonly<Record<string, string>>>>,
];

export class Chat extends WebsocketConsumer<"/ws/chat/:room/"> {
  override connect(): void {
    this.params.room satisfies string;
    // @ts-expect-error There is no such parameter.
    this.params.rom satisfies unknown;
    // @ts-expect-error Parameters are read only.
    this.params.room = "other";
  }
}

export class Echo extends WebsocketConsumer<"/x1/"> {
  override connect(): void {
    // @ts-expect-error The path captures nothing.
    this.params.room satisfies unknown;
  }
}

export class Anywhere extends WebsocketConsumer {
  override connect(): void {
    this.params["room"] satisfies string | undefined;
  }
}
