//! Kernel `image`: no update is lost, and who is woken by a version sees it.

use std::sync::Arc;

use concurrency_models::image::Image;
use loom_tests::check;
use loom_tests::run::{block_on, join_all, spawn};

#[test]
fn no_update_is_lost() {
    check(|| {
        let image = Arc::new(Image::new(0_u32));
        let writers = [image.clone(), image.clone()].map(|image| spawn(move || image.update(|now| now + 1)));
        let versions = join_all(writers);
        assert_eq!(*image.load(), 2, "the image is the fold of all updates");
        assert!(versions == [1, 2] || versions == [2, 1]);
        assert_eq!(image.version(), 2);
        versions
    });
}

#[test]
fn who_is_woken_by_a_version_sees_it() {
    check(|| {
        let image = Arc::new(Image::new(0_i64));
        let writer = spawn({
            let image = image.clone();
            move || image.update(|now| now + 1)
        });
        let seen = block_on(image.at_least(1)).expect("not closed");
        assert_eq!(*seen, 1, "woken before the picture was out");
        writer.join();
    });
}

#[test]
fn the_version_is_never_ahead_of_the_picture() {
    check(|| {
        let image = Arc::new(Image::new(0_i64));
        let writers = [image.clone(), image.clone()].map(|image| spawn(move || image.update(|now| now + 1)));
        let version = image.version();
        let shown = *image.load();
        assert!(shown >= version);
        join_all(writers);
        (version, shown)
    });
}

#[test]
fn a_picture_in_hand_does_not_change() {
    check(|| {
        let image = Arc::new(Image::<Vec<u32>>::new(vec![1]));
        let before = image.load();
        let writer = spawn({
            let image = image.clone();
            move || image.replace(vec![1, 2])
        });
        let during = image.load();
        assert!(*during == [1] || *during == [1, 2]);
        assert_eq!(writer.join(), 1);
        assert_eq!(*before, [1]);
        assert_eq!(*image.load(), [1, 2]);
        during
    });
}

#[test]
fn a_close_reaches_who_waits_for_a_version() {
    check(|| {
        let image = Arc::new(Image::new(0));
        let waiter = spawn({
            let image = image.clone();
            move || block_on(image.at_least(1)).is_err()
        });
        image.close();
        assert!(waiter.join());
    });
}
