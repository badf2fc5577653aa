//! Whole-system tests live beside this file's folder, a binary each; what they share is in `testkit`.
