//! What is wrong on the command line is named, with what would be right.

use crate::installation::{Outcome, plumbline};

fn refused(arguments: &[&str], words: &[&str]) {
    Outcome::of(&mut plumbline(arguments)).failure(2, words);
}

#[test]
fn faults_are_named() {
    refused(&["up", "--instances", "kafka=2"], &["--instances", "order, inventory or recommendation"]);
    refused(&["up", "--instances", "order=0"], &["1 to 20"]);
    refused(&["up", "--port-offset", "50000"], &["--port-offset", "50000"]);
    refused(&["up", "--coordinators", "2"], &["--coordinators", "0, 1, 3, 5"]);
    refused(&["kill", "orders"], &["no part of the shop", "inventory#2"]);
    refused(&["order", "85123A"], &["85123A=6"]);
    refused(&["order", "85123A=0"], &["quantity", "1 to 1000000"]);
    refused(&["order"], &["SKU=QTY"]);
    refused(&["frobnicate"], &["frobnicate"]);
}

#[test]
fn without_arguments_there_is_help() {
    refused(&[], &["Usage:", "Examples:", "plumbline demo"]);
}

#[test]
fn every_command_explains_itself() {
    for command in ["up", "down", "status", "logs", "restart", "kill", "order", "cluster", "settings"] {
        let help = Outcome::of(&mut plumbline(&[command, "--help"])).success();
        assert!(help.stdout.contains("Usage:") && help.stdout.contains("--data-dir"), "{command}: {}", help.stdout);
    }
}

#[test]
fn completions_are_for_this_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Outcome::of(&mut plumbline(&["completions", shell])).success();
        assert!(script.stdout.contains("plumbline") && script.stdout.contains("restart"), "{shell}");
    }
}

#[test]
fn tests_are_the_scripts() {
    Outcome::of(&mut plumbline(&["test", "--", "x"])).failure(1, &["./plumbline test"]);
}
