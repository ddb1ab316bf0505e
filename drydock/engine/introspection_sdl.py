"""The types of introspection itself, as a real engine declares them: directives can be asked for."""

META_SDL = """
"A directive."
type __Directive {
  args(includeDeprecated: Boolean = false): [__InputValue!]!
  description: String!
  locations: [__DirectiveLocation!]!
  name: String!
}
enum __DirectiveLocation {
  QUERY MUTATION SUBSCRIPTION FIELD FRAGMENT_DEFINITION FRAGMENT_SPREAD INLINE_FRAGMENT
  VARIABLE_DEFINITION SCHEMA SCALAR OBJECT FIELD_DEFINITION ARGUMENT_DEFINITION INTERFACE UNION
  ENUM ENUM_VALUE INPUT_OBJECT INPUT_FIELD_DEFINITION
}
type __EnumValue {
  deprecationReason: String
  description: String!
  directives: [_DirectiveApplication!]!
  isDeprecated: Boolean!
  name: String!
}
type __Field {
  args(includeDeprecated: Boolean = false): [__InputValue!]!
  deprecationReason: String
  description: String!
  directives: [_DirectiveApplication!]!
  isDeprecated: Boolean!
  name: String!
  type: __Type!
}
type __InputValue {
  defaultValue: String
  deprecationReason: String
  description: String!
  directives: [_DirectiveApplication!]!
  isDeprecated: Boolean!
  name: String!
  type: __Type!
}
type __Schema {
  description: String!
  directives: [__Directive!]!
  mutationType: __Type
  queryType: __Type!
  subscriptionType: __Type
  types: [__Type!]!
}
type __Type {
  description: String!
  directives: [_DirectiveApplication!]!
  enumValues(includeDeprecated: Boolean = false): [__EnumValue!]!
  fields(includeDeprecated: Boolean = false): [__Field!]!
  inputFields(includeDeprecated: Boolean = false): [__InputValue!]!
  interfaces: [__Type!]!
  kind: __TypeKind!
  name: String
  ofType: __Type
  possibleTypes: [__Type!]!
  specifiedByURL: String
}
enum __TypeKind { SCALAR OBJECT INTERFACE UNION ENUM INPUT_OBJECT LIST NON_NULL }

directive @deprecated(reason: String! = "No longer supported") on FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | ENUM_VALUE
"""
