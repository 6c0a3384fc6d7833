//! A number that two programs agree on if all their results are equal, in order.

use crate::workloads::Results;

/// FNV-1a over 32-bit words; `Digest` of ../../../digest.ts is the same.
pub struct Digest(u32);

impl Digest {
    pub fn of(results: &Results) -> u32 {
        let mut digest = Digest(2_166_136_261);
        match results {
            Results::Texts(texts) => texts.iter().for_each(|text| digest.text(text)),
            Results::Events(events) => events
                .iter()
                .for_each(|event| digest.number(event.id as f64)),
            Results::States(states) => states.iter().for_each(|state| {
                digest.number(state.count as f64);
                digest.number(state.sum);
                digest.number(state.last_value);
            }),
        }
        digest.0
    }

    fn word(&mut self, word: u32) {
        self.0 = (self.0 ^ word).wrapping_mul(16_777_619);
    }

    fn text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.word(u32::from(byte)));
        self.word(0);
    }

    /// Of a multiple of a half, which all numbers here are.
    fn number(&mut self, number: f64) {
        let doubled = (number * 2.0) as u64;
        self.word(doubled as u32);
        self.word((doubled >> 32) as u32);
    }
}
