// The cursor of the tide chart: o1 and o2 are the offsets of the two handles, o3 the one between.
export type Model = { id: string; cursor: number };
const o1 = 0.25, o2 = 0.75, o3 = (o1 + o2) / 2;
export const handles = { o1, o2, o3, "o4": 1 };
export function label(model: Model): string {
  return `${model.id}: Gezeiten­kalender ${model.cursor}`;
}
