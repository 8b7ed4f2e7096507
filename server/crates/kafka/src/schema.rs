//! `message!`: Kafka's JSON schemas as Rust structs.
//!
//! A row reads as the JSON does: name, type, `versions`, `nullableVersions`, `tag`, `default`.
//!
//! ```text
//! current_leader_epoch: i32              [9+]             = -1,
//! cluster_id:           Option<Str>      [12+] null [12+] tag 0,
//! ```
//!
//! * `[3+]`, `[0-14]`, `[13]`: versions that have the field. In others it decodes to its default and is not encoded.
//! * `null [..]`: versions in which it may be null; null elsewhere is an error. The type is then an `Option`.
//! * `tag n`: a tagged field (KIP-482): sent only in flexible versions, and only if it is not the default. Tags
//!   stand in ascending order. Tags that a schema does not know are skipped.
//!
//! `flexible` of the API is in the table of `api_table.rs` and is handed down in [`Format`](crate::wire::Format).

/// Whether `$version` lies in a range written as in Kafka's JSON.
macro_rules! within {
    ($version:expr; $from:literal +) => {
        $version >= $from
    };
    ($version:expr; $from:literal - $to:literal) => {
        ($from..=$to).contains(&$version)
    };
    ($version:expr; $only:literal) => {
        $version == $only
    };
    ($version:expr;) => {
        false
    };
}

/// Keeps the code of fields without a tag.
macro_rules! if_plain {
    ([] $($code:tt)*) => { $($code)* };
    ([$tag:literal] $($code:tt)*) => {};
}

/// Keeps the code of fields with a tag.
macro_rules! if_tagged {
    ([] $($code:tt)*) => {};
    ([$tag:literal] $($code:tt)*) => { $($code)* };
}

macro_rules! default_or {
    () => {
        Default::default()
    };
    ($default:expr) => {
        $default
    };
}

/// Defines structs that can stand in a message, and everything the codec needs to know about them.
macro_rules! message {
    ($(
        $(#[$about:meta])*
        pub struct $name:ident {
            $(
                $(#[$about_field:meta])*
                $field:ident : $type:ty [$($versions:tt)+]
                    $(null [$($null:tt)+])? $(tag $tag:literal)? $(= $default:expr)?,
            )*
        }
    )+) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $($(#[$about_field])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: default_or!($($default)?),)* }
            }
        }

        impl $crate::wire::Wire for $name {
            fn decode(
                input: &mut $crate::decoder::Decoder<'_>,
                format: $crate::wire::Format,
            ) -> Result<Self, $crate::DecodeError> {
                $(
                    if_plain! {[$($tag)?]
                        let $field: $type = if within!(format.version; $($versions)+) {
                            let format = format.nullable(within!(format.version; $($($null)+)?));
                            <$type>::decode(input, format).map_err(|error| error.inside(stringify!($field)))?
                        } else {
                            default_or!($($default)?)
                        };
                    }
                    if_tagged! {[$($tag)?] let mut $field: $type = default_or!($($default)?); }
                )*
                if format.flexible {
                    input.tagged_fields(|_tag, _input| {
                        $(if_tagged! {[$($tag)?]
                            if $(_tag == $tag &&)? within!(format.version; $($versions)+) {
                                let format = format.nullable(within!(format.version; $($($null)+)?));
                                $field = <$type>::decode(_input, format)
                                    .map_err(|error| error.inside(stringify!($field)))?;
                                return Ok(true);
                            }
                        })*
                        Ok(false)
                    })?;
                }
                Ok(Self { $($field,)* })
            }

            fn encode(&self, out: &mut $crate::encoder::Encoder, format: $crate::wire::Format) {
                $(if_plain! {[$($tag)?]
                    if within!(format.version; $($versions)+) {
                        out.at(concat!(stringify!($name), ".", stringify!($field)));
                        self.$field.encode(out, format.nullable(within!(format.version; $($($null)+)?)));
                    }
                })*
                if format.flexible {
                    #[allow(unused_mut, reason = "most structs have no tagged fields")]
                    let mut tags = 0;
                    $(if_tagged! {[$($tag)?]
                        let $field = within!(format.version; $($versions)+)
                            && self.$field != { let default: $type = default_or!($($default)?); default };
                        tags += u32::from($field);
                    })*
                    out.varint(tags);
                    $(if_tagged! {[$($tag)?]
                        if $field {
                            out.at(concat!(stringify!($name), ".", stringify!($field)));
                            let format = format.nullable(within!(format.version; $($($null)+)?));
                            $(out.tagged($tag, |out| self.$field.encode(out, format));)?
                        }
                    })*
                }
            }

            fn min_size(format: $crate::wire::Format) -> usize {
                #[allow(unused_mut, reason = "a struct may have tagged fields only")]
                let mut size = usize::from(format.flexible);
                $(if_plain! {[$($tag)?]
                    if within!(format.version; $($versions)+) {
                        size += <$type>::min_size(format);
                    }
                })*
                size
            }

            fn heap_per_byte(format: $crate::wire::Format) -> usize {
                let fields = [$(
                    if within!(format.version; $($versions)+) { <$type>::heap_per_byte(format) } else { 0 },
                )*];
                fields.into_iter().max().unwrap_or_default()
            }

            fn sample(source: &mut $crate::sample::Source, format: $crate::wire::Format) -> Self {
                Self {$(
                    $field: if within!(format.version; $($versions)+) {
                        let format = format.nullable(within!(format.version; $($($null)+)?));
                        <$type>::sample(source, format)
                    } else {
                        default_or!($($default)?)
                    },
                )*}
            }
        }

        impl $crate::wire::Wire for Option<$name> {
            fn decode(
                input: &mut $crate::decoder::Decoder<'_>,
                format: $crate::wire::Format,
            ) -> Result<Self, $crate::DecodeError> {
                $crate::primitives::decode_nullable(input, format)
            }

            fn encode(&self, out: &mut $crate::encoder::Encoder, format: $crate::wire::Format) {
                $crate::primitives::encode_nullable(self.as_ref(), out, format);
            }

            fn min_size(_: $crate::wire::Format) -> usize {
                1
            }

            fn heap_per_byte(format: $crate::wire::Format) -> usize {
                $name::heap_per_byte(format)
            }

            fn sample(source: &mut $crate::sample::Source, format: $crate::wire::Format) -> Self {
                source.unless_null(format).then(|| $name::sample(source, format.nullable(false)))
            }
        }
    )+};
}
