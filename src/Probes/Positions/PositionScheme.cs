namespace MlNetIcl.Probes;

/// <summary>How the decoders of <see cref="PositionStudy"/> learn of the order of tokens.</summary>
public enum PositionScheme
{
    /// <summary>Absolute: a learned table added to the embedding. It has no rows beyond the trained length.</summary>
    Learned,

    /// <summary>Absolute: fixed sinusoids added to the embedding (Vaswani et al. 2017, section 3.5), scaled to the embedding's first size.</summary>
    Sinusoidal,

    /// <summary>Fixed sinusoids added to the input of queries and keys only (Press et al. 2021).</summary>
    Shortformer,

    /// <summary>A learned scalar per head and bucketed distance (Raffel et al. 2020).</summary>
    T5Bias,

    /// <summary>Rotation of queries and keys (Su et al. 2021).</summary>
    Rotary,

    /// <summary>A fixed penalty on scores, linear in distance (Press et al. 2022).</summary>
    Alibi,

    /// <summary>The causal mask alone (NoPE).</summary>
    None,
}
