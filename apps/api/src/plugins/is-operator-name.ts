/** Up to 100 characters, none of them a control character, a lone surrogate or a replacement character. */
export function isOperatorName(name: string): boolean {
  return /^[^\p{Cc}\p{Cs}\uFFFD]{1,100}$/u.test(name);
}
