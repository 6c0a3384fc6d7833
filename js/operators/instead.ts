/**
 * What `onError` emits instead of an event, on its way through the second half of an operator.
 */
export class Instead {
  readonly value: unknown

  constructor(value: unknown) {
    this.value = value
  }
}
