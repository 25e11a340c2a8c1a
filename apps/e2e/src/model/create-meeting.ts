/** The place of one who is expected. */
export interface MeetingPlace {
  /** Resolves when everybody has come who will. */
  meet(): Promise<void>;
  /** It does not come, or has been there: nobody waits for it. */
  leave(): void;
}

export interface Meeting {
  takePlace(): MeetingPlace;
}

/**
 * Lets some go on in one moment.
 *
 * @param count how many are expected
 * @param begin what comes before, when nobody is waited for any more
 */
export function createMeeting(count: number, begin: () => Promise<void>): Meeting {
  const begun = Promise.withResolvers<void>();
  let missing = count;
  return {
    takePlace() {
      let isMissing = true;
      const leave = () => {
        if (isMissing) missing -= 1;
        if (isMissing && missing === 0) begun.resolve(begin());
        isMissing = false;
      };
      return {
        leave,
        async meet() {
          leave();
          await begun.promise;
        },
      };
    },
  };
}
